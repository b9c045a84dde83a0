/* esbuild puts this in the place of `process` where an edge function says so: runtime/js/edge_globals.js makes it. */
export const process = globalThis[Symbol.for('mayfly.edge.process')];
