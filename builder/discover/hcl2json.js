/* Terraform's own parser, compiled to WebAssembly: 25 MB of memory from its import on, so it is imported by the first
 * project that has something for it. */

/** The package's `parse`: a file's blocks. */
export async function parse(file, source) {
  return (await import('@cdktf/hcl2json')).parse(file, source);
}

/** The package's `getExpressionAst`: an expression's tree. */
export async function getExpressionAst(name, expression) {
  return (await import('@cdktf/hcl2json')).getExpressionAst(name, expression);
}
