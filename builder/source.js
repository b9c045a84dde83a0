/* What a source file says without being run: its exports, and the constants among them.
 *
 * esbuild takes the types away, acorn parses the rest. Only literals are understood, as the platforms do it
 * (`export const config = { path: '/x' }`); anything computed is reported as unknown, never guessed. */
import path from 'node:path';
import { parse } from 'acorn';
import { transform } from 'esbuild';

const LOADERS = {
  '.ts': 'ts', '.mts': 'ts', '.cts': 'ts', '.tsx': 'tsx', '.jsx': 'jsx', '.js': 'jsx', '.mjs': 'jsx', '.cjs': 'jsx',
};

export function loaderOf(file) {
  return LOADERS[path.extname(file)];
}

/**
 * @typedef {object} SourceFacts
 * @property {Map<string, unknown>} exports name to its literal value, or to UNKNOWN
 * @property {boolean} open true when there may be more exports (`export *`, computed `module.exports`)
 * @property {string[]} imports what it imports statically
 * @property {import('acorn').Node|null} defaultNode the expression or declaration exported as default
 * @property {boolean} esm whether it has import or export statements
 */

export const UNKNOWN = Symbol('unknown');

/** Facts by text, so that an unchanged file is parsed once. */
const cache = new Map();
const CACHE_MAX = 5_000;

/** @returns {Promise<SourceFacts|null>} null when it does not parse: the bundler will say why */
export async function inspect(file, text) {
  const key = `${path.extname(file)}\0${text}`;
  if (!cache.has(key)) {
    if (cache.size > CACHE_MAX) {
      cache.clear();
    }
    cache.set(key, parseFacts(file, text));
  }
  return cache.get(key);
}

async function parseFacts(file, text) {
  let program;
  try {
    const { code } = await transform(text, {
      loader: loaderOf(file) ?? 'js', target: 'esnext', jsx: 'automatic', logLevel: 'silent',
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: false } },
    });
    program = parse(code, {
      ecmaVersion: 'latest', sourceType: 'module', allowReturnOutsideFunction: true, allowHashBang: true,
      allowAwaitOutsideFunction: true,
    });
  } catch {
    return null;
  }
  return collect(program);
}

/** @returns {SourceFacts} */
function collect(program) {
  const facts = { exports: new Map(), open: false, imports: [], defaultNode: null, esm: false, program };
  const locals = new Map();
  for (const node of program.body) {
    collectLocals(node.type === 'ExportNamedDeclaration' ? node.declaration : node, locals);
  }
  for (const node of program.body) {
    const visit = STATEMENTS[node.type];
    visit?.(node, facts, locals);
  }
  return facts;
}

function collectLocals(node, locals) {
  if (node?.type === 'VariableDeclaration') {
    for (const { id, init } of node.declarations) {
      if (id.type === 'Identifier') {
        locals.set(id.name, init);
      }
    }
  } else if (node?.type === 'FunctionDeclaration' || node?.type === 'ClassDeclaration') {
    locals.set(node.id.name, node);
  }
}

const STATEMENTS = {
  ImportDeclaration(node, facts) {
    facts.esm = true;
    facts.imports.push(node.source.value);
  },
  ExportAllDeclaration(node, facts) {
    facts.esm = true;
    facts.imports.push(node.source.value);
    if (node.exported) {
      facts.exports.set(nameOf(node.exported), UNKNOWN);
    } else {
      facts.open = true;
    }
  },
  ExportDefaultDeclaration(node, facts, locals) {
    facts.esm = true;
    facts.defaultNode = follow(node.declaration, locals);
    facts.exports.set('default', literal(node.declaration, locals));
  },
  ExportNamedDeclaration(node, facts, locals) {
    facts.esm = true;
    if (node.source) {
      facts.imports.push(node.source.value);
    }
    exportDeclaration(node.declaration, facts, locals);
    for (const { local, exported } of node.specifiers) {
      const found = node.source ? null : locals.get(nameOf(local));
      facts.exports.set(nameOf(exported), found ? literal(found, locals) : UNKNOWN);
      if (nameOf(exported) === 'default') {
        facts.defaultNode = found ?? null;
      }
    }
  },
  ExpressionStatement(node, facts, locals) {
    if (node.expression.type === 'AssignmentExpression') {
      commonjsExport(node.expression, facts, locals);
    }
  },
  VariableDeclaration(node, facts) {
    for (const { init } of node.declarations) {
      if (init?.type === 'CallExpression' && init.callee.name === 'require' && init.arguments[0]?.type === 'Literal') {
        facts.imports.push(init.arguments[0].value);
      }
    }
  },
};

function exportDeclaration(declaration, facts, locals) {
  if (declaration?.type === 'VariableDeclaration') {
    for (const { id, init } of declaration.declarations) {
      if (id.type === 'Identifier') {
        facts.exports.set(id.name, literal(init, locals));
      } else {
        facts.open = true; /* export const { GET, POST } = handlers */
        patternNames(id).forEach((name) => facts.exports.set(name, UNKNOWN));
      }
    }
  } else if (declaration) {
    facts.exports.set(declaration.id.name, UNKNOWN);
  }
}

function patternNames(pattern) {
  const properties = pattern.type === 'ObjectPattern' ? pattern.properties : [];
  return properties.map((property) => property.value?.name ?? property.value?.left?.name).filter(Boolean);
}

/** `module.exports = x`, `module.exports.name = x`, `exports.name = x` */
function commonjsExport({ left, right }, facts, locals) {
  if (left.type !== 'MemberExpression' || left.computed) {
    return;
  }
  const { object, property } = left;
  const isModuleExports = (node) =>
    node.type === 'MemberExpression' && node.object.name === 'module' && node.property.name === 'exports';
  if (isModuleExports(left)) {
    facts.defaultNode = follow(right, locals);
    const value = follow(right, locals);
    if (value?.type === 'ObjectExpression') {
      for (const entry of value.properties) {
        if (entry.type === 'Property' && !entry.computed) {
          facts.exports.set(nameOf(entry.key), literal(entry.value, locals));
        }
      }
    } else {
      facts.open = true;
    }
  } else if (object.name === 'exports' || isModuleExports(object)) {
    facts.exports.set(property.name, literal(right, locals));
  }
}

/**
 * The call that an export is the result of: `export const handler = schedule("@daily", ...)`, or exports.handler.
 * @returns {{ callee: string, args: unknown[] }|null} arguments that are not literals are UNKNOWN
 */
export function exportedCall({ program }, name) {
  for (const node of program.body) {
    const declared = node.type === 'ExportNamedDeclaration' ? node.declaration : node;
    const inits = (declared?.declarations ?? []).filter(({ id }) => id.name === name).map(({ init }) => init);
    const { left, right } = node.expression ?? {};
    const call = [...inits, left?.property?.name === name ? right : null].find((value) => value?.type === 'CallExpression');
    if (call) {
      return { callee: call.callee.name ?? call.callee.property?.name, args: call.arguments.map((argument) => literal(argument)) };
    }
  }
  return null;
}

function nameOf(node) {
  return node.name ?? String(node.value);
}

/** The expression a name stands for. */
function follow(node, locals, depth = 0) {
  if (node?.type === 'Identifier' && locals.has(node.name) && depth < 10) {
    return follow(locals.get(node.name), locals, depth + 1);
  }
  return node;
}

/** @returns {unknown} its value, or UNKNOWN */
export function literal(node, locals = new Map(), depth = 0) {
  if (!node || depth > 50) {
    return UNKNOWN;
  }
  switch (node.type) {
    case 'Literal':
      return node.regex ? UNKNOWN : node.value;
    case 'TemplateLiteral':
      return node.expressions.length === 0 ? node.quasis[0].value.cooked : UNKNOWN;
    case 'UnaryExpression': {
      const value = literal(node.argument, locals, depth + 1);
      return node.operator === '-' && typeof value === 'number' ? -value : negated(node, value);
    }
    case 'BinaryExpression':
      return arithmetic(node, locals, depth);
    case 'ArrayExpression':
      return arrayLiteral(node, locals, depth);
    case 'ObjectExpression':
      return objectLiteral(node, locals, depth);
    case 'Identifier':
      return locals.has(node.name) ? literal(locals.get(node.name), locals, depth + 1) : UNKNOWN;
    default:
      return UNKNOWN;
  }
}

/** esbuild writes `true` as `!0` when asked to minify; users write it by themselves at times. */
function negated({ operator }, value) {
  return operator === '!' && value !== UNKNOWN ? !value : UNKNOWN;
}

function arithmetic(node, locals, depth) {
  const left = literal(node.left, locals, depth + 1);
  const right = literal(node.right, locals, depth + 1);
  if (node.operator === '*' && typeof left === 'number' && typeof right === 'number') {
    return left * right;
  }
  const addable = (value) => typeof value === 'number' || typeof value === 'string';
  return node.operator === '+' && addable(left) && addable(right) ? left + right : UNKNOWN;
}

function arrayLiteral(node, locals, depth) {
  const values = node.elements.map((element) => literal(element, locals, depth + 1));
  return values.includes(UNKNOWN) ? UNKNOWN : values;
}

/** A member that is not a literal is left out: `path` may be understood although `handler` is not. */
function objectLiteral(node, locals, depth) {
  const entries = [];
  for (const property of node.properties) {
    if (property.type === 'Property' && !property.computed) {
      const value = literal(property.value, locals, depth + 1);
      if (value !== UNKNOWN) {
        entries.push([nameOf(property.key), value]);
      }
    }
  }
  return Object.fromEntries(entries);
}
