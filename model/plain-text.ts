/**
 * Characters that are not text: control characters, line and paragraph separators, the marks that change the direction of
 * what follows, and halves of a pair. The two joiners stay: several scripts and many emoji need them.
 */
const NO_TEXT = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/u;

export function isPlainText(text: string): boolean {
  return !NO_TEXT.test(text);
}

/** A joiner, a filler or a blank alone is text that nobody sees. */
export function isVisible(text: string): boolean {
  return /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\u2800]/u.test(text);
}

/** Each such character as JSON writes it, so that it is seen and does nothing: `\\u001b`. */
export function printable(text: string): string {
  return text.replace(NO_TEXT_ALL, (character) =>
    [...Array(character.length).keys()]
      .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

const NO_TEXT_ALL = new RegExp(NO_TEXT, 'gu');
