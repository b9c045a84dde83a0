import { nothing } from './all.js';
export async function discoverLambdas() { return nothing(); }
