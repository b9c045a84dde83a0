/* Tables for a terminal. */

/** @param {string[]} head @param {unknown[][]} rows */
export function printTable(title, head, rows) {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const lines = cells.map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('   '));
  const rule = '-'.repeat(lines[0].length);
  process.stdout.write(`\n${title}\n\n  ${lines[0]}\n  ${rule}\n${lines.slice(1).map((line) => `  ${line}\n`).join('')}`);
}

export const ms = (value) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
export const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(2)} MB`;
export const perSecond = (value) => `${Math.round(value).toLocaleString('en')}/s`;
export const times = (value) => `${value.toFixed(2)}x`;
