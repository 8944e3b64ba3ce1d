//! The job core: states, retry, deadlines, approval, effects, stall verdicts.
