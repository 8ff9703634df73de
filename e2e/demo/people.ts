import type { Invitee } from '../support/relay.ts'

export const organisation = 'Préfecture des Landes — démonstration'

export const solene: Invitee = {
  name: 'Solène Vauquelard',
  title: 'Cheffe de bureau',
  service: 'Bureau du cabinet',
}

export const aissatou: Invitee = {
  name: 'Aïssatou Kermorvan',
  title: 'Adjointe à la directrice',
  service: 'Direction de la citoyenneté',
}
