/* The command that a start script comes to: the last of those it is made of, without what only watches, restarts or sets variables
 * around it, and by way of other scripts (`npm run serve`). */

const SCRIPTS = new Set(['npm', 'yarn', 'pnpm', 'bun']);
const PASSED = new Set(['cross-env', 'cross-env-shell', 'npx', 'exec', 'pnpx', 'bunx']);
/** Programs that run the command behind them, and those of their options that have a value: the files of variables first. */
const WRAPPERS = { dotenv: ['-e', '-c', '-p', '-v'], dotenvx: ['-f', '--env-file'], 'env-cmd': ['-f', '--file', '-e', '-r'] };
const VARIABLE_FILES = new Set(['-e', '-f', '--file', '--env-file']);
/** Those of which all options are as of Node.js but these, which have a value. */
const OWN_VALUES = {
  nodemon: ['-w', '--watch', '-e', '--ext', '-i', '--ignore', '-d', '--delay', '-x', '--exec', '--config', '-s', '--signal'],
  'ts-node': ['-P', '--project', '-O', '--compiler-options', '-I', '--ignore', '--cwd'],
  'ts-node-dev': ['-P', '--project', '--watch', '--ignore-watch', '--debounce'],
  tsnd: ['-P', '--project', '--watch', '--ignore-watch', '--debounce'],
  tsx: ['--tsconfig', '--include', '--exclude', '--ignore'],
  'pm2-runtime': ['-i', '--instances', '-n', '--name'],
  pm2: ['-i', '--instances', '-n', '--name'],
};
const WITH_VALUE = [
  '-r', '--require', '--import', '--loader', '--experimental-loader', '-C', '--conditions', '--env-file', '--env-file-if-exists',
];
/** Words of runners that are neither an option nor a file. */
const VERBS = new Set(['watch', 'run', 'start']);
const DEPTH_MAX = 10;

/**
 * @typedef {object} Command
 * @property {string} runner the program: 'node'
 * @property {{ name: string, value?: string }[]} flags before what it runs
 * @property {string[]} words what it runs, and what that is given
 * @property {string[]} all flags and words as they stand
 * @property {Record<string, string>} env
 */

/** @returns {Command} */
export function startCommand({ scripts }) {
  return commandOf(typeof scripts?.start === 'string' ? scripts.start : '', scripts, 0);
}

function commandOf(script, scripts, depth) {
  return commandIn(shellWords(script.split(/&&|;|\|\|/).at(-1)), scripts, depth);
}

function commandIn(words, scripts, depth) {
  const env = takeVariables(words);
  const runner = words.shift() ?? '';
  const next = depth < DEPTH_MAX ? inside(runner, words, scripts, depth + 1) : null;
  if (next) {
    return { ...next, env: { ...next.env, ...env } };
  }
  const all = [...words];
  return { runner, env, all, flags: takeFlags(words, [...WITH_VALUE, ...(OWN_VALUES[runner] ?? [])], VERBS), words };
}

/** The command that a program runs, where it is one to run others. */
function inside(runner, words, scripts, depth) {
  if (SCRIPTS.has(runner)) {
    const name = words.find((word) => !['run', 'run-script'].includes(word) && !word.startsWith('-'));
    return typeof scripts[name] === 'string' ? commandOf(scripts[name], scripts, depth) : null;
  }
  if (runner === 'sh' && words[0] === '-c') {
    return commandOf(words[1] ?? '', scripts, depth);
  }
  if (Object.hasOwn(WRAPPERS, runner)) {
    const files = takeFlags(words, WRAPPERS[runner], VERBS).filter(({ name }) => VARIABLE_FILES.has(name));
    const command = commandIn(words, scripts, depth);
    return { ...command, flags: [...files.map(({ value }) => ({ name: '--env-file', value })), ...command.flags] };
  }
  const [, exec] = runner === 'nodemon' ? words.flatMap((word, i) => (['-x', '--exec'].includes(word) ? [word, words[i + 1]] : [])) : [];
  return exec ? commandIn([...shellWords(exec), ...words.slice(words.indexOf(exec) + 1)], scripts, depth) : null;
}

/** Words in quotes are one; what is behind a pipe or beside in the background is another command. */
function shellWords(text) {
  const words = [...text.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));
  const end = words.findIndex((word) => /^(\||&|\d?>)/.test(word));
  return end < 0 ? words : words.slice(0, end);
}

function takeVariables(words) {
  const env = {};
  while (PASSED.has(words[0]) || /^[A-Za-z_]\w*=/.test(words[0] ?? '')) {
    const [name, ...value] = words.shift().split('=');
    if (value.length > 0) {
      env[name] = value.join('=');
    }
  }
  return env;
}

/** `--import x`, `--env-file=x`, `--flag` from the front of the words. */
function takeFlags(words, withValue, verbs) {
  const flags = [];
  while (words[0]?.startsWith('-') || verbs.has(words[0])) {
    const [name, ...value] = words.shift().split('=');
    flags.push({ name, value: value.length > 0 ? value.join('=') : withValue.includes(name) ? words.shift() : undefined });
  }
  return flags;
}
