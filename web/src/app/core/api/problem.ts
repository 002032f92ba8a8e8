import { HttpErrorResponse } from '@angular/common/http';

/** A problem document of the API (RFC 9457), or what stands for it where none came. */
export interface Problem {
  /** The HTTP status; 0 if there was no answer. */
  status: number;
  title: string;
  detail: string;
  requestId?: string;
  /** Each field or parameter that is wrong. */
  errors: readonly { field: string; message: string }[];
}

/** Whether an error is a response of the API with a status. */
export function hasStatus(error: unknown, status: number): error is HttpErrorResponse {
  return error instanceof HttpErrorResponse && error.status === status;
}

/** The problem behind an error of HttpClient, or of a program. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof HttpErrorResponse)) {
    // Angular wraps what a resource throws.
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof HttpErrorResponse) return problemOf(cause);
    return {
      status: 0,
      title: 'Something went wrong',
      detail: 'The page could not do this. Reload it, and try again.',
      errors: [],
    };
  }
  const document = documentOf(error);
  const requestId = document.requestId ?? error.headers.get('X-Request-Id');
  return {
    status: error.status,
    title: document.title ?? 'No answer',
    detail:
      document.detail ??
      (error.status === 0
        ? 'The shop did not answer. Check your connection, and try again.'
        : `The shop answered with the status ${error.status}. Try again in a moment.`),
    errors: document.errors ?? [],
    ...(requestId ? { requestId } : {}),
  };
}

/**
 * What is wrong with the parameters of a list, by parameter; empty if something else is wrong, which
 * is shown as a whole.
 */
export function parameterErrors(
  error: unknown,
  parameters: readonly string[],
): ReadonlyMap<string, string> {
  const errors = error ? problemOf(error).errors : [];
  const isShown = errors.every(({ field }) => parameters.includes(field));
  return new Map(isShown ? errors.map(({ field, message }) => [field, message]) : []);
}

function documentOf(error: HttpErrorResponse): Partial<Problem> {
  try {
    const document: unknown = JSON.parse(String(error.error));
    return typeof document === 'object' && document !== null ? document : {};
  } catch {
    // A gateway in between may answer in HTML.
    return {};
  }
}
