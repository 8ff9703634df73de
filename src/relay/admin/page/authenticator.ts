import type { CreatedCredential, CreationOptions, RequestOptions, SignedCredential } from '../routes.ts'

/** Asks the browser for a new credential; null when the person, or time, ended it. */
export async function create(options: CreationOptions): Promise<CreatedCredential | null> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    options as PublicKeyCredentialCreationOptionsJSON,
  )
  return answerOf<CreatedCredential>(async () => navigator.credentials.create({ publicKey }))
}

/** Asks the browser for a signature of a credential that is registered; null as above. */
export async function get(options: RequestOptions): Promise<SignedCredential | null> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    options as PublicKeyCredentialRequestOptionsJSON,
  )
  return answerOf<SignedCredential>(async () => navigator.credentials.get({ publicKey }))
}

async function answerOf<T>(work: () => Promise<Credential | null>): Promise<T | null> {
  try {
    const credential = await work()
    // The relay checks it by its schema.
    return credential instanceof PublicKeyCredential ? (credential.toJSON() as T) : null
  } catch {
    // A browser tells a refusal, an authenticator that knows nothing and an end of time alike, on purpose.
    return null
  }
}
