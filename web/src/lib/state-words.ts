/** States of the past in people's words. For the present the API itself gives the word: `run.word`. */
const WORDS: Record<string, string> = {
  queued: "Waiting",
  initializing: "Starting",
  running: "Started",
  paused: "Stopped",
  complete: "Ended",
  executor_error: "Failed",
  system_error: "Failed",
  canceling: "Stopping",
  canceled: "Canceled",
  preempted: "Made room for others",
};

export function stateWord(state: string): string {
  return WORDS[state] ?? sentence(state.replaceAll("_", " "));
}

export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
