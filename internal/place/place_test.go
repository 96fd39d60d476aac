package place_test

import (
	"encoding/csv"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"volcard/internal/place"
)

func TestHubei(t *testing.T) {
	t.Parallel()
	cities := place.Children(place.HubeiCode)
	require.Len(t, cities, 17, "市州")
	require.Len(t, place.DistrictCodes(place.HubeiCode), 103, "county-level units")
	for _, code := range []string{"421071", "421171", "429000"} {
		_, _, _, ok := place.DivisionName(code)
		require.False(t, ok, code)
		require.False(t, place.IsDistrict(code), code)
	}
	for code, name := range map[string]string{"429004": "仙桃市", "429005": "潜江市", "429006": "天门市", "429021": "神农架林区"} {
		p, c, d, ok := place.DivisionName(code)
		require.True(t, ok)
		require.Equal(t, []string{"湖北省", name, ""}, []string{p, c, d})
		require.Equal(t, []place.Division{{Code: code, Name: name}}, place.Children(code))
		require.True(t, place.IsDistrict(code))
		require.Equal(t, []string{code}, place.DistrictCodes(code))
	}
}

// The reference list lies outside the project; where it is, every row of it must be known here.
func TestHubeiAgainstReference(t *testing.T) {
	t.Parallel()
	f, err := os.Open("../../../shared/data/hubei_divisions.csv")
	if err != nil {
		t.Skip("no reference list here")
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	require.NoError(t, err)
	districts := map[string]bool{}
	for _, r := range rows[1:] {
		code, name, parent, level, note := r[0], r[1], r[2], r[3], r[4]
		_, city, district, ok := place.DivisionName(code)
		if level == "district" && note != "" {
			require.False(t, ok, "pseudo code %s", code)
			continue
		}
		require.True(t, ok, code)
		switch level {
		case "city":
			require.Equal(t, name, city)
			if note != "" {
				districts[code] = true
			}
		case "district":
			require.Equal(t, name, district)
			_, c, _, _ := place.Path(code)
			require.Equal(t, parent, c)
			districts[code] = true
		}
	}
	require.Len(t, districts, 103)
	for _, code := range place.DistrictCodes(place.HubeiCode) {
		require.True(t, districts[code], code)
	}
}

func TestWholeTree(t *testing.T) {
	t.Parallel()
	require.Len(t, place.Divisions(), 31)
	require.Equal(t, place.Divisions(), place.Children(""))
	seen := map[string]bool{}
	for _, p := range place.Divisions() {
		require.Regexp(t, `^[0-9]{2}0000$`, p.Code)
		require.NotEmpty(t, p.Children, p.Name)
		for _, c := range p.Children {
			require.Regexp(t, `^[0-9]{6}$`, c.Code)
			require.NotEmpty(t, c.Children, c.Name)
			require.NotContains(t, []string{"市辖区", "县"}, c.Name)
			require.NotContains(t, c.Name, "直辖县级")
			for _, d := range c.Children {
				require.Regexp(t, `^[0-9]{6}$`, d.Code)
				require.NotContains(t, d.Name, "开发区")
				require.False(t, seen[d.Code], d.Code)
				seen[d.Code] = true
				require.True(t, place.IsDistrict(d.Code))
				pc, cc, dc, ok := place.Path(d.Code)
				require.True(t, ok)
				require.Equal(t, []string{p.Code, c.Code, d.Code}, []string{pc, cc, dc})
			}
		}
	}
	require.Greater(t, len(seen), 2800)
}

func TestNames(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"420111": "湖北省武汉市洪山区",
		"420100": "湖北省武汉市",
		"420000": "湖北省",
		"110108": "北京市海淀区",
		"500229": "重庆市城口县",
		"441900": "广东省东莞市",
		"460400": "海南省儋州市",
		"620200": "甘肃省嘉峪关市",
		"419001": "河南省济源市",
		"659001": "新疆维吾尔自治区石河子市",
		"":       "",
		"420199": "",
		"710000": "",
	} {
		require.Equal(t, want, place.FullName(code), code)
	}
	require.True(t, place.InHubei("429021"))
	require.False(t, place.InHubei("430102"))
	require.False(t, place.InHubei("x"))
	require.False(t, place.IsDistrict("420100"))
	require.Nil(t, place.DistrictCodes("999999"))
	require.Len(t, place.DistrictCodes("500100"), 38)
	require.Len(t, place.DistrictCodes("420100"), 13)
	require.Empty(t, place.Children("420111"))
}

func TestWGS84ToGCJ02(t *testing.T) {
	t.Parallel()
	for _, v := range [][4]float64{
		{114.3655, 30.536, 114.371029, 30.533677},
		{114.3381, 30.5456, 114.343592, 30.543234},
		{114.3985, 30.5045, 114.404041, 30.502194},
		{111.2865, 30.6919, 111.29216, 30.689461},
		{139.7, 35.68, 139.7, 35.68}, // Tokyo lies outside and stays
	} {
		got := place.WGS84ToGCJ02(v[0], v[1])
		require.InDelta(t, v[2], got.Lng, 1e-6)
		require.InDelta(t, v[3], got.Lat, 1e-6)
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	a, b := place.Point{Lng: 114.3381, Lat: 30.5456}, place.Point{Lng: 114.3985, Lat: 30.5045}
	require.InDelta(t, 7372.7, place.Distance(a, b), 0.05)
	require.InDelta(t, place.Distance(a, b), place.Distance(b, a), 1e-9)
	require.Zero(t, place.Distance(a, a))
	// Half of the globe's circumference: the rounding inside asin must not give NaN.
	require.InDelta(t, 20015114.4, place.Distance(place.Point{Lng: -90}, place.Point{Lng: 90}), 1)
	for metres, want := range map[float64]string{0: "10 米", 347: "350 米", 949: "950 米", 7372.7: "7.4 公里", 9950: "10 公里", 127600: "128 公里"} {
		require.Equal(t, want, place.DistanceText(metres))
	}
}
