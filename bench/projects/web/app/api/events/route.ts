import { events } from '../../../bodies.js';

export const GET = events;
