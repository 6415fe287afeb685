/** The name that was probably meant, for error messages. */

/** The candidate that needs the fewest changes of single letters, if it is near enough to be a typing error. */
export function nearest(given: string, candidates: readonly string[]): string | undefined {
  const lower = given.toLowerCase();
  const limit = Math.max(1, Math.floor(lower.length / 3));
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(lower, candidate.toLowerCase());
    if (distance <= limit && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) {
      best = { candidate, distance };
    }
  }
  return best?.candidate;
}

/** `did you mean "office"?`, or the list of candidates. */
export function didYouMean(given: string, candidates: readonly string[]): string {
  const meant = nearest(given, candidates);
  if (meant !== undefined) return `did you mean "${meant}"?`;
  return candidates.length === 0 ? 'there are none' : `there are ${candidates.join(', ')}`;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const width = b.length + 1;
  const table = new Uint16Array((a.length + 1) * width);
  const at = (row: number, column: number) => table[row * width + column] ?? 0;
  for (let row = 0; row <= a.length; row++) {
    for (let column = 0; column <= b.length; column++) {
      let distance: number;
      if (row === 0 || column === 0) distance = row + column;
      else {
        const same = a[row - 1] === b[column - 1] ? 0 : 1;
        distance = Math.min(at(row - 1, column) + 1, at(row, column - 1) + 1, at(row - 1, column - 1) + same);
        const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
        if (swapped) distance = Math.min(distance, at(row - 2, column - 2) + 1);
      }
      table[row * width + column] = distance;
    }
  }
  return at(a.length, b.length);
}
