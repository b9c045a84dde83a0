import { answerPackages } from '../../../packages.cjs';

export const GET = answerPackages;
