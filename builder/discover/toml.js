/* TOML files of the user: a mistake is one diagnostic with its place. */
import { parse } from 'smol-toml';

/** @returns {object|undefined} */
export function readToml(files, file, diagnostics) {
  const source = files.read(file);
  try {
    return parse(source);
  } catch (error) {
    const text = `${file} is not valid TOML: ${error.message.split('\n')[0].replace(/^Invalid TOML document: /, '')}`;
    diagnostics.error(text, { file, source, line: error.line, column: error.column });
    return undefined;
  }
}
