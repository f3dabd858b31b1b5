// Package vault keeps personal values sealed, opens them for a purpose and with
// a receipt, and makes them unreadable for ever when their subject is to be
// forgotten.
//
// Each subject has a data key of its own, wrapped by the key of a month (an
// epoch), which a [KEK] keeps: a file, or a service of the host's. Data keys lie
// in a store of their own, outside the backups of the main one, so that a key
// which is shredded is gone for every backup too: what is restored is joined
// with the keys of today.
//
// A Vault satisfies [platform.Sealer]. Begin with [Open]; [Vault.Reveal] is the
// only way to a plain value, and [Vault.Shred] the way to none.
package vault
