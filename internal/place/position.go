package place

import (
	"fmt"
	"math"
)

// Point is a position in degrees. Everything stored is GCJ-02, the datum of Chinese maps.
type Point struct {
	Lng float64 `json:"lng"`
	Lat float64 `json:"lat"`
}

// earthRadius is the mean radius R1 of the IUGG, in metres.
const earthRadius = 6371008.8

// Valid tells whether p can be a position at all.
func (p Point) Valid() bool {
	return math.Abs(p.Lng) <= 180 && math.Abs(p.Lat) <= 90 // false for NaN
}

// WGS84ToGCJ02 moves a browser's position to the datum of Chinese maps, some 600 m away. Outside
// the frame in which the shift is defined it returns the position unchanged.
func WGS84ToGCJ02(lng, lat float64) Point {
	if lng < 72.004 || lng > 137.8347 || lat < 0.8293 || lat > 55.8271 {
		return Point{lng, lat}
	}
	const (
		a  = 6378245.0              // Krasovsky 1940, semi-major axis
		ee = 0.00669342162296594323 // its eccentricity squared
	)
	x, y := lng-105, lat-35
	common := (20*math.Sin(6*x*math.Pi) + 20*math.Sin(2*x*math.Pi)) * 2 / 3
	dLat := -100 + 2*x + 3*y + 0.2*y*y + 0.1*x*y + 0.2*math.Sqrt(math.Abs(x)) + common +
		(20*math.Sin(y*math.Pi)+40*math.Sin(y/3*math.Pi))*2/3 +
		(160*math.Sin(y/12*math.Pi)+320*math.Sin(y*math.Pi/30))*2/3
	dLng := 300 + x + 2*y + 0.1*x*x + 0.1*x*y + 0.1*math.Sqrt(math.Abs(x)) + common +
		(20*math.Sin(x*math.Pi)+40*math.Sin(x/3*math.Pi))*2/3 +
		(150*math.Sin(x/12*math.Pi)+300*math.Sin(x/30*math.Pi))*2/3
	rad := lat / 180 * math.Pi
	magic := 1 - ee*math.Sin(rad)*math.Sin(rad)
	dLat = dLat * 180 / (a * (1 - ee) / (magic * math.Sqrt(magic)) * math.Pi)
	dLng = dLng * 180 / (a / math.Sqrt(magic) * math.Cos(rad) * math.Pi)
	return Point{lng + dLng, lat + dLat}
}

// Distance is the straight line over the globe (haversine), in metres.
func Distance(a, b Point) float64 {
	rad := func(d float64) float64 { return d * math.Pi / 180 }
	sinLat := math.Sin(rad(b.Lat-a.Lat) / 2)
	sinLng := math.Sin(rad(b.Lng-a.Lng) / 2)
	h := sinLat*sinLat + math.Cos(rad(a.Lat))*math.Cos(rad(b.Lat))*sinLng*sinLng
	return 2 * earthRadius * math.Asin(math.Min(1, math.Sqrt(h)))
}

// DistanceText is a distance for people, who read it as "about": 350 米, 7.4 公里, 128 公里.
func DistanceText(metres float64) string {
	switch {
	case metres < 950:
		return fmt.Sprintf("%.0f 米", math.Max(10, math.Round(metres/10)*10))
	case metres < 9950:
		return fmt.Sprintf("%.1f 公里", metres/1000)
	}
	return fmt.Sprintf("%.0f 公里", metres/1000)
}
