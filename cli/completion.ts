/** Completion scripts for shells, from the commands and options of the program itself. */
import type { Command } from 'commander';
import { RefusedError } from './errors.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** Commands whose first argument is an environment, and the options that take one. */
const ENVIRONMENTS = '__environments';

interface Completed {
  readonly name: string;
  readonly description: string;
  readonly options: readonly { readonly flag: string; readonly description: string }[];
  readonly takesEnvironment: boolean;
}

/** To be evaluated by the shell. `NIGHTSHIFT` in the scripts is how the program is called. */
export function completionScript(program: Command, shell: string): string {
  const commands = program.commands
    .filter((command) => command.name() !== ENVIRONMENTS)
    .map(
      (command): Completed => ({
        name: command.name(),
        description: command.description(),
        options: command.options.flatMap(({ long, description }) =>
          long ? [{ flag: long, description }] : [],
        ),
        takesEnvironment: ['environment', 'target'].includes(command.registeredArguments[0]?.name() ?? ''),
      }),
    );
  if (shell === 'bash') return bash(commands);
  if (shell === 'zsh') return zsh(commands);
  if (shell === 'fish') return fish(commands);
  throw new RefusedError(`completion ${shell}: write one of ${SHELLS.join(', ')}`);
}

function bash(commands: readonly Completed[]): string {
  const cases = commands.map(
    ({ name, options, takesEnvironment }) =>
      `    ${name}) words="${options.map(({ flag }) => flag).join(' ')}${takesEnvironment ? ' $(nightshift __environments 2>/dev/null)' : ''}" ;;`,
  );
  return `# nightshift completion bash: add to ~/.bashrc: eval "$(npx nightshift completion bash)"
_nightshift() {
  local words current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  nightshift() { npx --no-install nightshift "$@"; }
  if [[ $previous == --environment || $previous == -e ]]; then
    words="$(nightshift __environments 2>/dev/null)"
  elif [[ $COMP_CWORD -eq 1 ]]; then
    words="${commands.map(({ name }) => name).join(' ')}"
  else
    case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    esac
  fi
  unset -f nightshift
  COMPREPLY=( $(compgen -W "$words" -- "$current") )
}
complete -F _nightshift nightshift`;
}

function zsh(commands: readonly Completed[]): string {
  const list = commands.map(({ name, description }) => `    '${name}:${quoted(description)}'`);
  const cases = commands.map(
    ({ name, options, takesEnvironment }) =>
      `    ${name}) compadd -- ${options.map(({ flag }) => flag).join(' ')}${takesEnvironment ? ' $(npx --no-install nightshift __environments 2>/dev/null)' : ''} ;;`,
  );
  return `#compdef nightshift
# nightshift completion zsh: add to ~/.zshrc after compinit: eval "$(npx nightshift completion zsh)"
_nightshift() {
  local -a commands=(
${list.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  if [[ $words[CURRENT-1] == (--environment|-e) ]]; then
    compadd -- $(npx --no-install nightshift __environments 2>/dev/null)
    return
  fi
  case $words[2] in
${cases.join('\n')}
  esac
}
compdef _nightshift nightshift`;
}

function fish(commands: readonly Completed[]): string {
  const lines = commands.flatMap(({ name, description, options, takesEnvironment }) => [
    `complete -c nightshift -n __fish_use_subcommand -a ${name} -d '${quoted(description)}'`,
    ...(takesEnvironment
      ? [
          `complete -c nightshift -n '__fish_seen_subcommand_from ${name}' -a '(npx --no-install nightshift __environments 2>/dev/null)'`,
        ]
      : []),
    ...options.map(
      (option) =>
        `complete -c nightshift -n '__fish_seen_subcommand_from ${name}' -l ${option.flag.slice(2)} -d '${quoted(option.description)}'`,
    ),
  ]);
  return ['# nightshift completion fish | source', 'complete -c nightshift -f', ...lines].join('\n');
}

/** Inside of single quotes, in one line. */
function quoted(text: string): string {
  return text.replaceAll("'", '’').replaceAll(':', ';').replace(/\s+/g, ' ');
}
