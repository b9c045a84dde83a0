import { nothing } from './all.js';
export async function discoverServer() { return nothing(); }
