/**
 * Characters that are not text: control characters, line and paragraph separators, the marks that change the direction of
 * what follows, and halves of a pair. The two joiners stay: several scripts and many emoji need them.
 */
const NO_TEXT = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/u;

export function isPlainText(text: string): boolean {
  return !NO_TEXT.test(text);
}
