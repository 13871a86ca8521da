// The command line: finds the command, and turns what goes wrong into a message and an exit code.
// 0: done. 1: refused or failed, the reason on standard error. 2: the line was not understood.

import { ConfigProblems } from '../config.ts';
import { Refusal } from '../errors.ts';
import { account } from './account.ts';
import { audit } from './audit.ts';
import { backup } from './backup.ts';
import { check } from './check.ts';
import { client } from './client.ts';
import { type Command, UsageProblem, type Verb } from './command.ts';
import { grant } from './grant.ts';
import { keys } from './keys.ts';
import { migrate } from './migrate.ts';
import { move } from './move.ts';
import { resource } from './resource.ts';
import { restore } from './restore.ts';
import { serve } from './serve.ts';
import { upstream } from './upstream.ts';

const commands: Record<string, Command> = {
  serve,
  check,
  migrate,
  resource,
  client,
  account,
  upstream,
  grant,
  keys,
  audit,
  backup,
  restore,
  move,
};

const HELP = ['help', '--help', '-h'];

const isVerb = (command: Command): command is Verb => 'run' in command;

function overview(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  return [
    'Cardea, the authorization server for MCP.',
    '',
    'Usage: cardea COMMAND [--json]',
    '',
    ...Object.entries(commands).map(([name, { about }]) => `  ${name.padEnd(width)}  ${about}`),
    '',
    '`cardea COMMAND --help` says more. Settings come from the environment and from the YAML file that',
    'CARDEA_CONFIG names; every command works on the database that they name.',
  ].join('\n');
}

const helpFor = (command: Command): string =>
  (isVerb(command) ? [command] : Object.values(command.verbs))
    .map(({ usage, about }) => `cardea ${usage}\n    ${about.replaceAll('\n', '\n    ')}`)
    .join('\n\n');

/** The verb that the line names and the arguments left for it, or the help to print. */
function find(argv: readonly string[]): { verb: Verb; rest: string[] } | { help: string } {
  const [name, ...rest] = argv;
  if (name === undefined) throw new UsageProblem('which command?');
  const last = argv.at(-1) ?? '';
  if (HELP.includes(name)) {
    const about = rest[0] === undefined ? undefined : commands[rest[0]];
    return { help: about ? helpFor(about) : overview() };
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new UsageProblem(`there is no command ${JSON.stringify(name)}`);
  if (isVerb(command))
    return HELP.slice(1).includes(last) ? { help: helpFor(command) } : { verb: command, rest };
  const [word, ...args] = rest;
  const verb = word !== undefined && Object.hasOwn(command.verbs, word) ? command.verbs[word] : undefined;
  if (HELP.slice(1).includes(last)) return { help: helpFor(verb ?? command) };
  if (!verb)
    throw new UsageProblem(`${name} is followed by one of: ${Object.keys(command.verbs).join(', ')}`);
  return { verb, rest: args };
}

/** The exit code; everything worth reading has been written. */
export async function run(argv: readonly string[]): Promise<number> {
  const tell = (text: string): void => void process.stderr.write(`${text}\n`);
  let usage = 'Usage: cardea COMMAND; `cardea --help` lists them';
  try {
    const found = find(argv);
    if ('help' in found) {
      process.stdout.write(`${found.help}\n`);
      return 0;
    }
    usage = `Usage: cardea ${found.verb.usage}`;
    await found.verb.run(found.rest);
    return 0;
  } catch (error) {
    const code = String((error as { code?: unknown }).code ?? '');
    if (error instanceof UsageProblem || code.startsWith('ERR_PARSE_ARGS')) {
      tell(`cardea: ${(error as Error).message}\n${usage}`);
      return 2;
    }
    if (error instanceof ConfigProblems) tell(`cardea: the configuration has problems\n${error.message}`);
    else if (error instanceof Refusal) {
      // There is no log to look into: what the database said stands here.
      const down = error.reason === 'storage_unavailable';
      const hint = down ? `The database says: ${(error.cause as Error | undefined)?.message}` : error.hint;
      tell(`cardea: ${[error.message, hint].filter(Boolean).join('\n')}`);
    } else if (code === 'EADDRINUSE')
      tell('cardea: something else listens on this port already; CARDEA_PORT names another');
    else if (/^E[A-Z]+$/.test(code)) tell(`cardea: ${(error as Error).message}`);
    else tell(`cardea: ${(error as Error).stack ?? String(error)}`);
    return 1;
  }
}
