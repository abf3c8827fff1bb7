#!/bin/bash
# sbatch this: a job array runs the shards; a job that merges waits for all of them.
#SBATCH --job-name=polygraph-@name@
#SBATCH --array=1-@shards@
#SBATCH --ntasks=1
#SBATCH --output=polygraph-@name@-%a.log
set -u
results="${POLYGRAPH_RESULTS:-$PWD/polygraph-@name@}"
mkdir -p "$results"
shard="${SLURM_ARRAY_TASK_ID:?run this with sbatch}"

# The first shard asks for the merge, once, also when it is requeued. afterany: a shard that found
# something is merged like the others.
if [ "$shard" = 1 ] && mkdir "$results/merge-is-queued" 2>/dev/null; then
    sbatch --dependency="afterany:${SLURM_ARRAY_JOB_ID:?}" \
        --job-name="polygraph-@name@-merge" --output="polygraph-@name@-merge.log" \
        --wrap="polygraph merge '$results'/shard-*/latest --out '$results/merged' \
            --junit '$results/junit.xml' --markdown '$results/summary.md'"
fi

# A shard that was requeued goes on where it was.
polygraph campaign @file@@options@ --shard "$shard/@shards@" --resume --no-memory \
    --out "$results/shard-$shard"
code=$?
# What it found is the merge's to say; only what could not begin fails here.
case $code in 0|1|3|4) exit 0 ;; *) exit $code ;; esac
