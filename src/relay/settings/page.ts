import type { PagePlace } from '../admin/address.ts'
import type { Settings } from './settings.ts'

/** What the settings say of where the administrator's page is. */
export function placeOf(settings: Settings): PagePlace {
  const { 'admin.address': address, 'admin.port': port, address: relay } = settings
  const plain = settings['tls.endsAtProxy'] ? 'proxy' : 'none'
  return { address, relay, port, tls: settings['tls.certificate'] === null ? plain : 'here' }
}
