/* The lines around a mistake, as shown in the terminal and in the HTTP answer. */

const LINES_BEFORE = 2;
const WIDTH_MAX = 160;

/**
 * @param {string} text the file
 * @param {number} line counted from 1
 * @param {number} [column] counted from 1; absent: no caret
 * @param {number} [length] of the underlined part
 */
export function codeFrame(text, line, column, length = 1) {
  const lines = text.split(/\r\n|\r|\n/);
  if (!(line >= 1 && line <= lines.length)) {
    return '';
  }
  const first = Math.max(1, line - LINES_BEFORE);
  const margin = String(line).length + 2;
  const shown = [];
  for (let number = first; number <= line; number += 1) {
    shown.push(`${String(number).padStart(margin)} | ${clip(lines[number - 1])}`);
  }
  if (column >= 1 && column <= WIDTH_MAX) {
    const indent = lines[line - 1].slice(0, column - 1).replace(/[^\t]/g, ' ');
    const width = Math.max(1, Math.min(length, lines[line - 1].length - column + 1));
    shown.push(`${' '.repeat(margin)} | ${indent}^${'~'.repeat(width - 1)}`);
  }
  return shown.join('\n');
}

function clip(line) {
  return line.length > WIDTH_MAX ? `${line.slice(0, WIDTH_MAX)}...` : line;
}
