/* Next.js's 'use cache': a function that says so in its first line keeps its results (runtime/js/shims/next/use_cache.js).
 *
 * Its body becomes that of a function without parameters, which is called where nothing is kept for the values of its
 * parameters, and of what it takes of the functions around it. Lines stay where they are. */
import { parse } from 'acorn';

const SAYS_SO = /(['"])use cache(?:: (?:remote|private))?\1/;
/** What is one visitor's is not kept. */
const PRIVATE = 'use cache: private';
const FUNCTION = /^(?:FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/;

export const usesCache = (text) => SAYS_SO.test(text);

/**
 * @param {string} place of the file, by which its functions are told apart from others
 * @param {string} code JavaScript
 */
export function withCachedFunctions(place, code) {
  const program = parse(code, { ecmaVersion: 'latest', sourceType: 'module', allowReturnOutsideFunction: true, allowHashBang: true });
  const edits = [];
  const isWhole = hasDirective(program.body);
  const visit = (node, around) => {
    const isFunction = FUNCTION.test(node.type);
    if (isFunction && node.async && node.body.type === 'BlockStatement' && (hasDirective(node.body.body) || (isWhole && isExported(program, node)))) {
      const isPrivate = node.body.body[0]?.directive === PRIVATE;
      edits.push(...cached(node, around, isPrivate ? null : `${place}#${edits.length}`));
    }
    const names = isFunction ? [...around, ...node.params.flatMap(namesOf), ...declaredIn(node.body)] : around;
    childrenOf(node).forEach((child) => visit(child, names));
  };
  visit(program, []);
  return edits.sort((a, b) => b.at - a.at).reduce((text, { at, insert }) => text.slice(0, at) + insert + text.slice(at), code);
}

function cached(node, around, id) {
  const used = new Set(identifiersIn(node.body));
  const given = [...new Set([...node.params.flatMap(namesOf), ...around.filter((name) => used.has(name))])];
  const start = `return require("next/cache").___useCache(${JSON.stringify(id)}, [${given.join(', ')}], async () => {`;
  return [{ at: node.body.start + 1, insert: start }, { at: node.body.end - 1, insert: '});' }];
}

const hasDirective = (body) => body.some(({ directive }) => directive && SAYS_SO.test(`'${directive}'`));

function isExported({ body }, node) {
  const exported = body.filter(({ type }) => type.startsWith('Export')).map(({ declaration }) => declaration);
  const inits = exported.flatMap((declaration) => declaration?.declarations ?? []).map(({ init }) => init);
  return exported.includes(node) || inits.includes(node);
}

function childrenOf(node) {
  return Object.values(node).flat().filter((value) => typeof value?.type === 'string');
}

/** The names that a parameter or the left side of a declaration gives. */
function namesOf(pattern) {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern.name];
    case 'AssignmentPattern':
      return namesOf(pattern.left);
    case 'RestElement':
      return namesOf(pattern.argument);
    case 'ArrayPattern':
      return pattern.elements.flatMap(namesOf);
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) => namesOf(property.value ?? property.argument));
    default:
      return [];
  }
}

/** Variables of a function itself; a function declared in it stays as it is. */
function declaredIn(node) {
  const own = node.type === 'VariableDeclarator' ? namesOf(node.id) : [];
  return [...own, ...childrenOf(node).filter(({ type }) => !FUNCTION.test(type)).flatMap(declaredIn)];
}

function identifiersIn(node) {
  return node.type === 'Identifier' ? [node.name] : childrenOf(node).flatMap(identifiersIn);
}
