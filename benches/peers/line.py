"""M/M/10 at load 0.8 in SimPy: prints nanoseconds of processor time per event, and the mean wait.

    python3 line.py CUSTOMERS
"""

import random
import sys
import time

import simpy

SERVERS = 10
ARRIVAL_RATE = 8.0


def station(customers):
    env = simpy.Environment()
    servers = simpy.Resource(env, capacity=SERVERS)
    waited = 0.0

    def customer():
        nonlocal waited
        arrived = env.now
        with servers.request() as place:
            yield place
            waited += env.now - arrived
            yield env.timeout(random.expovariate(1.0))

    def arrivals():
        for _ in range(customers):
            yield env.timeout(random.expovariate(ARRIVAL_RATE))
            env.process(customer())

    env.process(arrivals())
    env.run()
    return waited / customers


random.seed(1)
customers = int(sys.argv[1])
start = time.process_time()
wait = station(customers)
print((time.process_time() - start) * 1e9 / (2 * customers), wait)
