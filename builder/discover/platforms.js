/* Which platforms a project shows signs of: a rule that would take every path is kept in bounds beside others. */

const SIGNS = {
  next: /^((src\/)?app\/(.*\/)?route\.(tsx?|jsx?|mjs)|(src\/)?pages\/api(\/.*)?\.(tsx?|jsx?|mjs)|next\.config\.[cm]?[jt]s)$/,
  vercel: /^(api\/.*\.[cm]?[jt]sx?|vercel\.json)$/,
  netlify: /^(netlify\/functions\/.*|netlify\.toml|\.netlify\/(v1|functions-internal)\/.*)$/,
  worker: /^((.*\/)?wrangler\.(toml|jsonc?)|worker\.[cm]?[jt]sx?)$/,
  lambda: /(^|\/)(template\.ya?ml|[^/]+\.tf)$/,
};

/** @param {import('../files.js').Files} files */
export function isAlone(files, platform, friends = []) {
  const others = Object.keys(SIGNS).filter((name) => name !== platform && !friends.includes(name));
  return !files.list().some((file) => others.some((name) => SIGNS[name].test(file)));
}

/** Whether the project shows signs of a platform. */
export function hasSigns(files, platform) {
  return files.list().some((file) => SIGNS[platform].test(file));
}

/** Whether the project shows signs of a platform, or of none at all: then a file that several platforms know is its. */
export function mayBe(files, platform) {
  return hasSigns(files, platform) || isAlone(files, platform);
}
