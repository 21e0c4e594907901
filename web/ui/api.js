// Asks the server, and says in words what went wrong. It keeps no state and knows no page.

const patience = 20_000;

/** ApiError carries the server's own sentence, or a key of words.js where the server said nothing. */
export class ApiError extends Error {
  constructor({ status = 0, key, message = '' }) {
    super(message || key);
    Object.assign(this, { name: 'ApiError', status, key, said: message });
  }

  /** inWords is for people; t is the translator. */
  inWords(t) {
    return this.said || t(this.key, { status: this.status });
  }
}

async function ask(method, path, body) {
  const request = { method, headers: { Accept: 'application/json' }, signal: AbortSignal.timeout(patience), cache: 'no-store' };
  if (body !== undefined) {
    request.headers['Content-Type'] = 'application/json';
    request.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, request);
  } catch {
    throw new ApiError({ key: 'error.away' });
  }
  const answer = await response.json().catch(() => undefined);
  if (!response.ok) throw refusal(response.status, answer);
  return { answer, at: Date.parse(response.headers.get('Date')) || Date.now() };
}

function refusal(status, answer) {
  const details = (answer?.errors ?? []).map((e) => e.message).filter((m) => m && m !== answer.message);
  const message = [answer?.message, ...details].filter(Boolean).join(' · ');
  if (status === 401) return new ApiError({ status, key: 'error.login' });
  return new ApiError({ status, key: status >= 500 ? 'error.server' : 'error.refused', message });
}

const query = (values) => new URLSearchParams(Object.entries(values).filter(([, v]) => v !== undefined && v !== '')).toString();

/** listRecordings returns {recordings, next_cursor, counts} and the server's clock in `at`. */
export async function listRecordings(values) {
  const { answer, at } = await ask('GET', `/api/recordings?${query(values)}`);
  return { ...answer, at };
}

export const readRecording = async (id) => (await ask('GET', `/api/recordings/${encodeURIComponent(id)}`)).answer;
export const listEvents = async (values) => (await ask('GET', `/api/events?${query(values)}`)).answer;
export const listNodes = async () => (await ask('GET', '/api/nodes')).answer.nodes ?? [];
export const listRooms = async () => (await ask('GET', '/api/rooms')).answer;
export const addRoom = async (id, node) => (await ask('POST', '/api/rooms', { room_id: id, node })).answer;

/** changeRoom has the room's recorder start, stop or remove it, and returns how that went. */
export async function changeRoom(room, action) {
  const at = `/api/rooms/${room.room_id}`, node = query({ node: room.node });
  return (await ask(...(action === 'remove' ? ['DELETE', `${at}?${node}`] : ['POST', `${at}/${action}?${node}`]))).answer;
}

export const listAccounts = async () => (await ask('GET', '/api/targets/baidu/accounts')).answer.accounts ?? [];
export const logAccountOut = (account) => ask('DELETE', `/api/targets/baidu/accounts/${encodeURIComponent(account)}`);

/** startLogin has a worker ask Baidu for a code; readLogin returns {answer, at}: how that login stands by the server's clock. */
export const startLogin = async (account) => (await ask('POST', '/api/targets/baidu/login', { account })).answer;
export const readLogin = (account) => ask('GET', `/api/targets/baidu/login?${query({ account })}`);

export const login = (token) => ask('POST', '/api/login', { token });

/** runFound starts the flows of older files, some at a time, until none is left; it returns how many. */
export async function runFound() {
  for (let started = 0; ;) {
    const { answer } = await ask('POST', '/api/recordings/found/run', { all: true });
    started += answer.started;
    if (!answer.more || answer.started === 0) return started;
  }
}

/** act asks for retry, cancel or run and returns the recording after it. */
export async function act(id, action) {
  const body = action === 'run' ? { flow: 'default' } : undefined;
  return (await ask('POST', `/api/recordings/${encodeURIComponent(id)}/${action}`, body)).answer;
}
