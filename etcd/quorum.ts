/** How many of `n` voters must agree. */
export function quorum(n: number): number {
  return Math.floor(n / 2) + 1;
}
