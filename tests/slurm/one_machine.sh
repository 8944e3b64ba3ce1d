#!/usr/bin/env bash
# Runs a comparison as a job array of Slurm on this machine alone, merges it, and demands the bytes of a single run.
#
#   tests/slurm/one_machine.sh LANEBENCH STUDY.yaml
#
# Needs Debian's `slurm-wlm` and the right to start its daemons; they live in a folder of their own and are gone in the end.
set -euo pipefail
program=$(realpath "$1")
study=$(realpath "$2")
cd "$(dirname "$0")/../.."
jobs=4

home=$(mktemp -d)
user=$(id -un)
host=$(hostname -s)
mkdir "$home"/{bin,state,spool,log,parts}
ln -s "$program" "$home/bin/lanebench"
cat > "$home/slurm.conf" <<CONF
ClusterName=one-machine
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/none
CredType=cred/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0
StateSaveLocation=$home/state
SlurmdSpoolDir=$home/spool
SlurmctldPidFile=$home/slurmctld.pid
SlurmdPidFile=$home/slurmd.pid
SlurmctldLogFile=$home/log/slurmctld
SlurmdLogFile=$home/log/slurmd
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$home/slurm.conf
export PATH=$home/bin:$PATH:/usr/sbin

leave() {
  local code=$?
  [ "$code" = 0 ] || tail -n 20 "$home"/log/* || true
  for daemon in slurmd slurmctld; do
    [ -e "$home/$daemon.pid" ] || continue
    pid=$(cat "$home/$daemon.pid")
    kill "$pid" && timeout 30 tail --pid="$pid" -f /dev/null || true
  done
  rm -rf "$home"
}
trap leave EXIT

slurmctld -c
slurmd -c
array=$(sbatch --parsable --array=1-$jobs --output="$home/log/job-%a" scenarios/comparisons/array.sbatch "$study" "$home/parts")
sbatch --wait --dependency=afterok:"$array" --kill-on-invalid-dep=yes --output="$home/log/merge" \
  --wrap "lanebench merge '$study' '$home'/parts/*.jsonl --report csv='$home/array.csv' --report json='$home/array.json' > '$home/array.txt'"

[ "$(ls "$home/parts" | wc -l)" = "$jobs" ]
lanebench compare "$study" --report csv="$home/single.csv" --report json="$home/single.json" > "$home/single.txt" 2>/dev/null
for kind in csv json txt; do
  cmp "$home/array.$kind" "$home/single.$kind"
done
echo "$jobs jobs of an array, merged: $(wc -c < "$home/array.csv") bytes of CSV, and all of them those of a single run"
