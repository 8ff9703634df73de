export type { Address } from './address.ts'
export { readBundle, type BundleDevice } from './bundle.ts'
export {
  bundleIdentityKey,
  Protocol,
  type Lane,
  type LocalDevice,
  type Opened,
  type Refused,
  type Turn,
} from './protocol.ts'
