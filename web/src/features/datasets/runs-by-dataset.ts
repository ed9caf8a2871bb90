/** Which of the caller's runs to offer beside each dataset: the most alive, then the newest. */
import type { Run, Word } from "@/api/types";

const LIVELINESS: Partial<Record<Word, number>> = { Ready: 5, Running: 4, Starting: 3, Waiting: 2, Stopping: 1, Stopped: 1 };

export function runsByDataset(runs: readonly Run[]): Map<string, Run> {
  const best = new Map<string, Run>();
  for (const run of runs) {
    const rank = LIVELINESS[run.word];
    if (!rank) continue;
    for (const { dataset } of run.datasets) {
      const other = best.get(dataset);
      const otherRank = other ? (LIVELINESS[other.word] ?? 0) : 0;
      if (!other || rank > otherRank || (rank === otherRank && run.created_at > other.created_at)) best.set(dataset, run);
    }
  }
  return best;
}
