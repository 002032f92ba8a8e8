/** Ends the task, so that the browser can paint and answer clicks before the next one. */
export function pause(): Promise<true> {
  return new Promise((resolve) => setTimeout(resolve, 0, true));
}
