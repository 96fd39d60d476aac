package limit

import "net/netip"

// AddressKey is the key under which an address is counted. An IPv6 host owns a /64 and could
// otherwise be a new address at each try. Text that is no address counts as one and the same.
func AddressKey(address string) string {
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
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
