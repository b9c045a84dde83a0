/* The command that a start script comes to: the last of those it is made of, without what only watches, restarts or sets variables
 * around it, and by way of other scripts (`npm run serve`); or the commands, where it runs several beside one another. */

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
/** Programs that run several commands or scripts, and those of their options that have a value. */
const SEVERAL = {
  concurrently: ['-n', '--names', '-c', '--prefix-colors', '-p', '--prefix', '-s', '--success', '-m', '--max-processes', '-l', '--prefix-length',
    '-t', '--timestamp-format', '--restart-tries', '--restart-after', '--default-input-target', '--hide', '--name-separator'],
  'npm-run-all': ['--max-parallel', '--npm-path'], 'run-p': ['--max-parallel', '--npm-path'], 'run-s': ['--npm-path'],
};
/** A redirection, an operator, or a word, parts of which may be in quotes. */
const TOKEN = /\d*>>?(?:&\d)?|&&|\|\||[&|;]|(?:[^\s"'&|;>]|"[^"]*"|'[^']*')+/g;
const SEQUENCE = new Set(['&&', '||', ';']);

/**
 * @typedef {object} Command
 * @property {string} runner the program: 'node'
 * @property {{ name: string, value?: string }[]} flags before what it runs
 * @property {string[]} words what it runs, and what that is given
 * @property {string[]} all flags and words as they stand
 * @property {Record<string, string>} env
 */

/**
 * @param {object} manifest package.json
 * @param {string} name of a script
 * @returns {Command[]} several where it runs some beside one another
 */
export function commandsOfScript({ scripts }, name) {
  return namedCommands(name, scripts ?? {}, new Set());
}

/**
 * @param {string} text a value of NODE_OPTIONS
 * @returns {{ name: string, value?: string }[]}
 */
export function optionsOf(text) {
  return takeFlags(simpleCommands(text)[0] ?? [], WITH_VALUE, new Set());
}

/** Each script counts once, since some run one another, or all: `run-p *`. */
function namedCommands(name, scripts, seen) {
  if (seen.has(name) || typeof scripts[name] !== 'string') {
    return [];
  }
  seen.add(name);
  return commandsOf(scripts[name], scripts, seen);
}

function commandsOf(script, scripts, seen) {
  return simpleCommands(script).flatMap((words) => commandsIn(words, scripts, seen));
}

function commandsIn(words, scripts, seen) {
  const env = takeVariables(words);
  const runner = words.shift() ?? '';
  const next = inside(runner, words, scripts, seen);
  if (next) {
    return next.map((command) => ({ ...command, env: { ...command.env, ...env } }));
  }
  const all = [...words];
  return [{ runner, env, all, flags: takeFlags(words, [...WITH_VALUE, ...(OWN_VALUES[runner] ?? [])], VERBS), words }];
}

/** The commands that a program runs, where it is one to run others. */
function inside(runner, words, scripts, seen) {
  if (SCRIPTS.has(runner)) {
    const name = words.find((word) => !['run', 'run-script'].includes(word) && !word.startsWith('-'));
    return typeof scripts[name] === 'string' ? namedCommands(name, scripts, seen) : null;
  }
  if (runner === 'sh' && words[0] === '-c') {
    return commandsOf(words[1] ?? '', scripts, seen);
  }
  if (Object.hasOwn(WRAPPERS, runner)) {
    const files = takeFlags(words, WRAPPERS[runner], VERBS).filter(({ name }) => VARIABLE_FILES.has(name));
    const flags = files.map(({ value }) => ({ name: '--env-file', value }));
    return commandsIn(words, scripts, seen).map((command) => ({ ...command, flags: [...flags, ...command.flags] }));
  }
  if (Object.hasOwn(SEVERAL, runner)) {
    return partsOf(words, SEVERAL[runner]).flatMap((part) => partCommands(runner, part, scripts, seen));
  }
  const [, exec] = runner === 'nodemon' ? words.flatMap((word, i) => (['-x', '--exec'].includes(word) ? [word, words[i + 1]] : [])) : [];
  return exec ? commandsIn([...simpleCommands(exec)[0] ?? [], ...words.slice(words.indexOf(exec) + 1)], scripts, seen) : null;
}

/** What is neither an option nor the value of one, wherever it stands. */
function partsOf(words, withValue) {
  return words.filter((word, i) => !word.startsWith('-') && !withValue.includes(words[i - 1]));
}

/** `npm:serve` and `npm:watch-*` of concurrently, `serve` and `watch:*` of npm-run-all; else a command. */
function partCommands(runner, part, scripts, seen) {
  const [, named] = runner === 'concurrently' ? /^(?:npm|yarn|pnpm|bun):(.+)$/.exec(part) ?? [] : [part, part];
  if (named === undefined) {
    return commandsOf(part, scripts, seen);
  }
  const [pattern] = named.split(' ');
  const matching = new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*\*?/g, (stars) => (stars === '*' ? '[^:]*' : '.*'))}$`);
  return Object.keys(scripts).filter((name) => matching.test(name)).flatMap((name) => namedCommands(name, scripts, seen));
}

/** The words of each command that runs beside others; of a sequence only the last one stays. What is piped or redirected is left out. */
function simpleCommands(text) {
  const commands = [[]];
  let isBehind = false;
  let isNext = false;
  for (const [token] of text.matchAll(TOKEN)) {
    if (/^[&|;]/.test(token)) {
      commands.push(...(token === '&' ? [[]] : []));
      isNext = SEQUENCE.has(token);
      isBehind = token === '|';
    } else if (/^\d*>/.test(token)) {
      isBehind = true;
    } else if (!isBehind) {
      commands[commands.length - 1] = [...(isNext ? [] : commands.at(-1)), token.replace(/"([^"]*)"|'([^']*)'/g, '$1$2')];
      isNext = false;
    }
  }
  return commands.filter((words) => words.length > 0);
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
