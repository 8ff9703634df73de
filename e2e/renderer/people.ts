import type { Person } from '../../src/contract/index.ts'

/** Invented people, as in the design. The last hex digits choose the tint of the avatar. */
const person = (
  id: number,
  displayName: string,
  title: string,
  service: string,
  organisation: string,
): Person => ({
  accountId: `00000000-0000-4000-8000-${id.toString(16).padStart(12, '0')}`,
  displayName,
  title,
  service,
  organisation,
})

const ministry = 'Ministère de l’Intérieur'
const prefecture = 'Préfecture des Landes'

export const people = {
  solene: person(0x02, 'Solène Vauquelard', 'Conseillère communication', 'Cabinet', ministry),
  mathurin: person(0x05, 'Mathurin Delestrade', 'Administrateur', 'DGSCGC', ministry),
  aissatou: person(0x06, 'Aïssatou Kermorvan', 'Cheffe du SIDPC', prefecture, ministry),
  theodore: person(0x04, 'Théodore Grandvoinnet', 'Directeur', 'Cabinet', ministry),
  driss: person(0x0e, 'Driss Benkhalfa-Roy', 'Chargé de mission', 'Préfecture de région', ministry),
  ines: person(0x0d, 'Inès Mahjoubi-Lartigue', 'Permanence', 'Cabinet', ministry),
  nour: person(0x03, 'Nour Sabathier', 'Cheffe de bureau', 'DGSCGC', ministry),
  baptiste: person(0x0f, 'Baptiste Oudinet-Faure', 'Rédacteur', 'Courrier parlementaire', ministry),
  salome: person(0x10, 'Salomé Trézéguidy', 'Officière de liaison', 'Zone Sud-Ouest', ministry),
  yann: person(0x09, 'Yann-Loïc Trézéguidy', 'Chargé de veille', 'HFDS', ministry),
  elodie: person(0x11, 'Élodie Castagnède', 'Secrétaire générale adjointe', 'Préfecture de région', ministry),
} as const

/** A directory of 1,284 people: those above, then others of many services. */
export function directory(): readonly Person[] {
  const first = [
    'Anaïs',
    'Bertille',
    'Corentin',
    'Dounia',
    'Étienne',
    'Fatoumata',
    'Gaël',
    'Hortense',
    'Ismaël',
  ]
  const last = ['Arrieumerlou', 'Bourdalé', 'Cazenave', 'Darrigrand', 'Etcheverry', 'Fourcade', 'Gensous']
  const named = Object.values(people)
  const others = Array.from({ length: 1284 - named.length }, (_, index) =>
    person(
      0x1000 + index,
      `${first[index % first.length]} ${last[index % last.length]}-${Math.floor(index / 63) + 1}`,
      'Attachée',
      `Bureau ${(index % 40) + 1}`,
      ministry,
    ),
  )
  return [...named, ...others]
}
