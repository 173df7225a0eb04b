// The service's HTTP interface. Whatever goes wrong becomes a Problem.

export class Problem extends Error {
  constructor(code, detail, status = 0) {
    super(detail);
    this.code = code;
    this.status = status;
  }
}

export async function get(path) {
  return (await send(path, { headers: { Accept: "application/json" } })).json();
}

export async function post(path, body, signal) {
  return (await send(path, request(body, signal))).json();
}

// Server-sent events as they come: { event, data }. Ends with the stream.
export async function* stream(path, body, signal) {
  const response = await send(path, request(body, signal));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  while (true) {
    let read;
    try {
      read = await reader.read();
    } catch (error) {
      throw unreachable(error, "interrupted");
    }
    if (read.done) return;
    waiting += read.value;
    const messages = waiting.split("\n\n");
    waiting = messages.pop();
    for (const message of messages) {
      const fields = Object.fromEntries(
        message.split("\n").map((line) => [line.split(":", 1)[0], line.replace(/^\w*: ?/, "")]),
      );
      if (fields.data === undefined) continue;
      const data = JSON.parse(fields.data);
      if (fields.event === "error") throw new Problem(data.code, data.detail, data.status);
      yield { event: fields.event, data };
    }
  }
}

function request(body, signal) {
  const headers = { "Content-Type": "application/json" };
  return { method: "POST", headers, body: JSON.stringify(body), signal };
}

async function send(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    throw unreachable(error, "unreachable");
  }
  if (response.ok) return response;
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // A proxy's page: the status has to do.
  }
  throw new Problem(problem.code ?? "http_error", problem.detail ?? "", response.status);
}

function unreachable(error, code) {
  return error.name === "AbortError" ? error : new Problem(code, "");
}
