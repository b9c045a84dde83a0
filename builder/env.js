/* The environment of functions: `.env` files in the ecosystem's order, the shell's variables in development, and
 * the schema of mayfly.json. */
import { parse } from 'dotenv';
import { expand } from 'dotenv-expand';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The first file that names a variable wins, as Next.js, Vite and dotenv-flow have it. */
function envFiles(mode) {
  return [`.env.${mode}.local`, '.env.local', `.env.${mode}`, '.env'];
}

export function isEnvFile(file) {
  return /^(.*\/)?(\.env(\.[\w.-]+)?|\.dev\.vars(\.[\w.-]+)?)$/.test(file);
}

/**
 * @param {import('./files.js').Files} files
 * @param {{ development: boolean, shell: Record<string,string> }} options
 * @returns {Record<string,string>} what the files say, with `$NAME` expanded; the shell's values win
 */
export function readEnvFiles(files, { development, shell }) {
  const names = envFiles(development ? 'development' : 'production').filter((name) => files.has(name));
  const parsed = {};
  for (const name of names) {
    for (const [key, value] of Object.entries(parse(files.read(name)))) {
      parsed[key] ??= value;
    }
  }
  const { parsed: expanded } = expand({ parsed, processEnv: { ...shell } });
  return onlyNames(expanded ?? {});
}

/**
 * The secrets of a Worker as wrangler finds them: `.dev.vars` in its folder, or else the `.env` files there, or the
 * project's.
 */
export function readWorkerSecrets({ files, envFiles, shell }, folder) {
  const environment = shell.CLOUDFLARE_ENV ?? envFiles.CLOUDFLARE_ENV;
  const inFolder = (names) => names.map((name) => (folder ? `${folder}/${name}` : name)).filter((file) => files.has(file));
  const [devVars] = inFolder(environment ? [`.dev.vars.${environment}`, '.dev.vars'] : ['.dev.vars']);
  if (devVars) {
    return parse(files.read(devVars));
  }
  const own = inFolder(['.env', '.env.local', ...(environment ? [`.env.${environment}`, `.env.${environment}.local`] : [])]);
  if (own.length === 0) {
    return folder ? envFiles : {};
  }
  const parsed = Object.assign({}, ...own.map((file) => parse(files.read(file))));
  return onlyNames(expand({ parsed, processEnv: { ...shell } }).parsed ?? {});
}

/** What belongs to the terminal or to us, and means nothing (or harm) in a sandbox. */
const SHELL_ONLY = new RegExp(
  '^(_|PATH|HOME|USER|LOGNAME|SHELL|SHLVL|PWD|OLDPWD|TERM.*|COLORTERM|DISPLAY|WAYLAND_.*|TMPDIR|TEMP|TMP|MAIL|HOSTNAME|' +
    'LS_COLORS|LESS.*|PAGER|EDITOR|VISUAL|LINES|COLUMNS|PS\\d|PROMPT_COMMAND|SSH_.*|GPG_.*|DBUS_.*|XDG_.*|SUDO_.*|' +
    'NODE_OPTIONS|NODE_PATH|NODE_CHANNEL_.*|NODE_TEST_CONTEXT|LD_.*|npm_.*|INIT_CWD|MAYFLY_.*|LISTEN_.*|NOTIFY_SOCKET|' +
    'JOURNAL_STREAM|INVOCATION_ID|SYSTEMD_.*|MAKE.*|MFLAGS|BASH_.*|TMUX.*|STY|WINDOWID)$',
);

/**
 * The developer's own AWS credentials: functions have some that lead to this machine, and must not reach the developer's
 * account by chance. Who means another place names its endpoint as well, or writes the credentials into .env.
 */
const AWS_CREDENTIALS = new RegExp(
  '^AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN|PROFILE|DEFAULT_PROFILE|CONFIG_FILE|SDK_LOAD_CONFIG|' +
    'SHARED_CREDENTIALS_FILE|WEB_IDENTITY_.*|ROLE_ARN|ROLE_SESSION_NAME|CONTAINER_.*)$',
);

/** In development a function sees the shell's variables, as `next dev`, `vercel dev` and `netlify dev` have it. */
export function shellVariables(environment) {
  const hasEndpoint = Object.keys(environment).some((name) => /^AWS_ENDPOINT_URL(_|$)/.test(name));
  const isKept = (name) => NAME.test(name) && !SHELL_ONLY.test(name) && (hasEndpoint || !AWS_CREDENTIALS.test(name));
  return Object.fromEntries(Object.entries(environment).filter(([name]) => isKept(name)));
}

function onlyNames(variables) {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => NAME.test(name)));
}

/**
 * Checks the schema of mayfly.json: `{ NAME: { required, pattern, minLength } }`, or a list of required names.
 * @returns {string|null} one message for all that is wrong
 */
export function checkEnvSchema(schema, variables) {
  const faults = [];
  for (const [name, rule] of Object.entries(normalizedSchema(schema))) {
    const fault = faultOf(variables[name], rule);
    if (fault) {
      faults.push(`  ${name} ${fault}${rule.description ? ` (${rule.description})` : ''}`);
    }
  }
  if (faults.length === 0) {
    return null;
  }
  const count = faults.length === 1 ? '1 environment variable is' : `${faults.length} environment variables are`;
  return `${count} missing or wrong:\n${faults.join('\n')}\nSet them in .env.local or in the shell.`;
}

function normalizedSchema(schema) {
  if (Array.isArray(schema)) {
    return Object.fromEntries(schema.filter((name) => typeof name === 'string').map((name) => [name, {}]));
  }
  const entries = Object.entries(schema ?? {});
  return Object.fromEntries(entries.map(([name, rule]) => [name, typeof rule === 'object' && rule ? rule : {}]));
}

function faultOf(value, { required = true, pattern, minLength }) {
  if (value === undefined || value === '') {
    return required ? 'is not set' : null;
  }
  if (minLength !== undefined && value.length < minLength) {
    return `is too short: ${value.length} of at least ${minLength} characters`;
  }
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) {
    return `does not match ${pattern}`;
  }
  return null;
}
