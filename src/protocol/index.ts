export type { Address } from './address.ts'
export { readBundle, type BundleDevice } from './bundle.ts'
export {
  bundleIdentityKey,
  Protocol,
  type Lane,
  type LocalDevice,
  type Opened,
  type OpenResult,
  type Refused,
  type RetryRequested,
  type Turn,
} from './protocol.ts'
