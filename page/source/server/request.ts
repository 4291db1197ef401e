/** Requests to the studio's API. */

import { Store } from "../state/store";
import { Problem } from "./problem";

export const API = "api/v1";

/** Whether the server still knows this browser; without it nothing else works. */
export const admitted = new Store(true);

async function problemOf(answer: Response): Promise<Problem> {
  let body: unknown = null;
  try {
    body = await answer.json();
  } catch {
    // Not JSON: the status has to do.
  }
  if (answer.status === 401) admitted.value = false;
  return Problem.of(body, answer.status);
}

async function send(path: string, options: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(`${API}${path}`, options);
  } catch (error) {
    if (error instanceof DOMException) throw error;
    throw new Problem("unreachable", "", 0);
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

function withBody(method: string, body?: unknown): RequestInit {
  if (body === undefined) return { method };
  const headers = { "Content-Type": "application/json" };
  return { method, headers, body: JSON.stringify(body) };
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await send(path, signal ? { signal } : {})).json()) as T;
}

export async function post<T>(path: string, body?: unknown): Promise<T> {
  return (await (await send(path, withBody("POST", body))).json()) as T;
}

export async function patch<T>(path: string, body: unknown): Promise<T> {
  return (await (await send(path, withBody("PATCH", body))).json()) as T;
}

export async function remove(path: string): Promise<void> {
  await send(path, { method: "DELETE" });
}

export async function postText<T>(path: string, text: string): Promise<T> {
  const headers = { "Content-Type": "text/plain; charset=utf-8" };
  return (await (await send(path, { method: "POST", headers, body: text })).json()) as T;
}

export async function textFrom(path: string, body: unknown): Promise<string> {
  return (await send(path, withBody("POST", body))).text();
}

export async function blobFrom(path: string, body: unknown, signal: AbortSignal): Promise<Blob> {
  return (await send(path, { ...withBody("POST", body), signal })).blob();
}

/** Sends a file and tells how far it has come, 0 to 1. */
export function upload<T>(file: Blob, name: string, progress: (share: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file, name);
    request.open("POST", `${API}/uploads`);
    request.responseType = "json";
    request.upload.onprogress = (event) => progress(event.loaded / Math.max(1, event.total));
    request.onerror = () => reject(new Problem("unreachable", "", 0));
    request.onload = () => {
      if (request.status < 300) resolve(request.response as T);
      else reject(Problem.of(request.response, request.status));
    };
    request.send(form);
  });
}
