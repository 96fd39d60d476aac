package limit

import "net/netip"

// AddressKey is the key under which an address is counted. An IPv6 host owns a /64 and could
// otherwise be a new address at each try. Text that is no address counts as one and the same.
func AddressKey(address string) string { return prefixKey(address, 64) }

// NetworkKey is AddressKey for what a whole IPv6 site does: a rented server often has a /48.
func NetworkKey(address string) string { return prefixKey(address, 48) }

// At is the key of an account as it is tried from one network.
func At(account, address string) string { return account + AtNetwork + NetworkKey(address) }

// AtDevice is the key of an account as it is tried from one browser that is known to it (web.Devices).
func AtDevice(account, device string) string { return account + AtNetwork + device }

// AtNetwork parts the two halves of a key of At or AtDevice; no key that is normalised holds it.
const AtNetwork = "\x00"

func prefixKey(address string, bits int) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return "unknown"
		}
		a = ap.Addr()
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(bits); err == nil {
			return p.String()
		}
	}
	return a.String()
}
