import type { EngineClient } from '../engine/client.ts';
import { ApiError } from '../engine/errors.ts';
import { HostError, toAppError } from './failures.ts';
import { storeLogin } from './registry-login.ts';

export interface SignIn {
  registry: string;
  username: string;
  password: string;
}

/**
 * Signs in to a registry through the engine, which asks it, and keeps what was right where `docker login` keeps it. The password is in
 * no message and in no log.
 */
export async function signIn(
  client: EngineClient,
  request: SignIn,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const { username, password } = request;
  const serveraddress = request.registry === 'docker.io' ? 'https://index.docker.io/v1/' : request.registry;
  let identityToken: string | undefined;
  try {
    ({ IdentityToken: identityToken } = await client.auth({ username, password, serveraddress }));
  } catch (error) {
    throw new HostError(refusal(error, request.registry));
  }
  try {
    await storeLogin(request.registry, identityToken ? { username, identityToken } : { username, password }, env);
  } catch (error) {
    throw new HostError({
      code: 'not-kept',
      message: 'The registry accepts this user, but the sign-in could not be kept.',
      detail: (error as Error).message,
      action: 'See that ~/.docker/config.json can be written, or sign in with: docker login.',
    });
  }
}

function refusal(error: unknown, registry: string) {
  const failure = toAppError(error);
  if (!(error instanceof ApiError)) return failure;
  if (error.status === 401 || /unauthorized|401|incorrect username/i.test(error.message))
    return {
      code: 'unauthorized',
      message: `${registry} does not accept this user name and password.`,
      field: 'password',
    };
  return { ...failure, message: `${registry} could not be asked.`, detail: error.message };
}
