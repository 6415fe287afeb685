/** Replies that lack something or have it twice: a reply of AWS that is no error, and not the truth. */

/** The list without one of its elements, without any, or with one of them on two of its pages. `choice`: any whole number. */
export function garbled<T>(list: readonly T[], choice: number): readonly T[] {
  const at = choice % (2 * list.length + 1);
  if (at === 2 * list.length) return [];
  if (at < list.length) return list.filter((_, index) => index !== at);
  return [...list, ...list.slice(at - list.length, at - list.length + 1)];
}
