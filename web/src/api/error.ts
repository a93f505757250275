import type { Schemas } from './types';

type Body = Schemas['ErrorBody'];

/** A request that was refused, or that never arrived. */
export class ApiError extends Error {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** The word for programs, as docs/api-design.md lists them. */
  readonly code: Body['code'] | 'unreachable';
  readonly fields: readonly Schemas['FieldFault'][];
  /** Names the request in the server's log. */
  readonly requestId: string | undefined;

  constructor(status: number, body: Partial<Body>) {
    super(body.message ?? 'the server does not say why');
    this.name = 'ApiError';
    this.status = status;
    this.code = body.code ?? 'internal';
    this.fields = body.fields ?? [];
    this.requestId = body.request_id;
  }

  static unreachable(): ApiError {
    const error = new ApiError(0, { message: 'The server cannot be reached. Is this computer online?' });
    return Object.assign(error, { code: 'unreachable' as const });
  }
}

/** The error in whatever an answer of 400 or above carried: a proxy in between may have written something else. */
export function errorOf(status: number, answer: unknown): ApiError {
  return new ApiError(
    status,
    isEnvelope(answer) ? answer.error : { message: `The server answered with status ${status}.` },
  );
}

/** What is wrong with each field of a form, for the form's own errors; empty when no field is at fault. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof ApiError)) return {};
  return Object.fromEntries(error.fields.map(({ field, message }) => [field, sentence(message)]));
}

/** What to tell beside a form or page: nothing when each complaint has its place at one of the `shown` fields. */
export function generalError(error: unknown, shown: readonly string[] = []): string | undefined {
  if (!error) return undefined;
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  const elsewhere = error.fields.filter(({ field }) => !shown.includes(field));
  if (error.fields.length > 0 && elsewhere.length === 0) return undefined;
  return sentence(error.message);
}

/** Messages of the API begin in lower case, to stand behind the name of a field. */
export function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function isEnvelope(answer: unknown): answer is { error: Body } {
  if (typeof answer !== 'object' || answer === null || !('error' in answer)) return false;
  const { error } = answer;
  return typeof error === 'object' && error !== null && 'message' in error;
}
