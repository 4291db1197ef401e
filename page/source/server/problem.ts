/** What the server says when something is wrong (RFC 9457), in the reader's language if known. */

import { known, language, say } from "../text/translate";

/** What the server proposes then is for programs and the command line. */
const PAGE_KNOWS_MORE = new Set(["guardian"]);

export class Problem extends Error {
  constructor(
    readonly code: string,
    readonly detail: string,
    readonly status: number,
  ) {
    super(detail);
  }

  static of(body: unknown, status: number): Problem {
    const fields = (body ?? {}) as Record<string, unknown>;
    const code = typeof fields["code"] === "string" ? fields["code"] : `http_${status}`;
    const detail = typeof fields["detail"] === "string" ? fields["detail"] : "";
    return new Problem(code, detail, status);
  }

  /** One or two sentences for people. */
  static sentence(error: Error): string {
    if (!(error instanceof Problem)) return error.message;
    const key = `problem.${error.code}`;
    const own = PAGE_KNOWS_MORE.has(error.code);
    if (error.detail && language.value === "en" && !own) return error.detail; // it knows more
    if (!known(key)) return error.detail || say("problem.other", { code: error.code });
    return say(key);
  }
}
