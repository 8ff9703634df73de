import { enrol } from '../store/contractKit.ts'
import type { RelayStore } from '../store/store.ts'

/** Common ones first, as they are among people. */
const firstNames =
  'Marie Jean Pierre Michel Nathalie Isabelle Philippe Alain Sylvie Catherine Nicolas Christophe Patrick Daniel Valérie Sandrine Stéphane Julien Camille Thomas Léa Manon Chloé Inès Jade Lucas Hugo Louis Arthur Adam Aïcha Mohamed Fatou Noé Solène Gaëlle Yann Maëlle Étienne Béatrice'.split(
    ' ',
  )
const surnames =
  'Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefebvre Leroy Roux David Bertrand Morel Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Muller Lefevre Faure Andre Mercier Blanc Guerin Boyer Garnier Chevalier Francois Legrand Gauthier Garcia Perrin Robin Clement Morin Nicolas Henry Roussel Mathieu Gautier Masson Marchand Duval Denis Dumont Marie Lemaire Noel Meyer Dufour Meunier Brun Blanchard Giraud Joly Riviere Lucas Brunet Gaillard Barbier Arnaud Martinez Gerard Roche Renard Schmitt Roy Leroux Colin Vidal Caron Picard Roger Fabre Aubert Lemoine Renaud Dumas Lacroix Olivier Philippe Bourgeois Pierre Benoit Rey Leclerc Payet Rolland Leclercq Guillaume Lecomte Lopez Jean Dupuy Guillot Hubert Berger Carpentier Sanchez Dupuis Moulin Louis Deschamps Huet Vasseur Perez Boucher Fleury Royer Klein Jacquet Adam Paris Poirier Marty Aubry Guyot Carre Charles Renault Charpentier Menard Maillard Baron Bertin Bailly Herve Schneider Fernandez Le_Gall Collet Leger Bouvier Julien Prevost Millet Perrot Daniel Le_Roux Cousin Germain Breton Besson Langlois Remy'
    .split(' ')
    .map((name) => name.replace('_', ' '))

/** Names of so many people, as a ministry has them: the same ones at each call. */
export function peopleNames(count: number): string[] {
  return Array.from({ length: count }, (_, n) => {
    const first = firstNames[skewed(n * 7 + 3, firstNames.length)]
    return `${first} ${surnames[skewed(n * 13 + 5, surnames.length)]} ${n}`
  })
}

/** The low numbers come more often: half of all below a quarter. */
function skewed(seed: number, length: number): number {
  const unit = ((seed * 2_654_435_761) % 4_294_967_296) / 4_294_967_296
  return Math.floor(unit * unit * length)
}

export async function fillDirectory(store: RelayStore, names: readonly string[]): Promise<string[]> {
  const ids: string[] = []
  for (const name of names) ids.push((await enrol(store, name)).accountId)
  return ids
}
