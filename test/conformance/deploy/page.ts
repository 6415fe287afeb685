/** The commands of a page of the documentation, as they stand there. */

export interface PageCommand {
  /** The heading that it stands under. */
  readonly heading: string;
  /** As a person pastes it, without its comment. */
  readonly command: string;
}

/** Each line of each block that is marked as `sh`; a line that ends in `\` goes on. */
export function commandsOf(markdown: string): readonly PageCommand[] {
  const commands: PageCommand[] = [];
  let heading = '';
  let isCode = false;
  let begun = '';
  for (const line of markdown.split('\n')) {
    const text = line.trim();
    if (text.startsWith('```')) isCode = text === '```sh';
    else if (!isCode) heading = /^#+ (.*)$/.exec(text)?.[1] ?? heading;
    else if (text.endsWith('\\')) begun += `${text.slice(0, -1)} `;
    else {
      const command = `${begun}${text}`.replace(/\s{2,}#\s.*$/, '').trim();
      begun = '';
      if (command !== '') commands.push({ heading, command });
    }
  }
  return commands;
}
