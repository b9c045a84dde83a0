import { answerOrder } from '../../../order.js';

export const POST = answerOrder;
