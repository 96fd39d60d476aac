package notify

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"

	"volcard/internal/clock"
)

// Alibaba sends through Alibaba Cloud SMS (Dysmsapi 2017-05-25).
type Alibaba struct {
	endpoint  *url.URL
	keyID     string
	keySecret string
	signName  string
	ids       map[string]string
	http      httpClient
	clock     clock.Clock
}

const (
	alibabaEndpoint = "https://dysmsapi.aliyuncs.com"
	alibabaVersion  = "2017-05-25"
)

// NewAlibaba makes the client; ids are the gateway's template codes by our names.
func NewAlibaba(c Config, ids map[string]string, h httpClient, now clock.Clock) (*Alibaba, error) {
	endpoint, err := parseEndpoint(c.Endpoint, alibabaEndpoint)
	if err != nil {
		return nil, err
	}
	return &Alibaba{endpoint: endpoint, keyID: c.KeyID, keySecret: c.KeySecret, signName: c.SignName, ids: ids, http: h, clock: now}, nil
}

func parseEndpoint(given, standard string) (*url.URL, error) {
	if given == "" {
		given = standard
	}
	u, err := url.Parse(given)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("notify: %q is no endpoint", given)
	}
	u.Path, u.RawQuery = "/", ""
	return u, nil
}

// alibabaCodes are the codes of SendSms that are no plain refusal for now.
var alibabaCodes = []codeRule{
	{"isv.MOBILE_NUMBER_ILLEGAL", Refused, true},
	{"isv.BLACK_KEY_CONTROL_LIMIT", Refused, true},
	{"isv.PARAM_LENGTH_LIMIT", Refused, true},
	{"isv.PARAM_NOT_SUPPORT_URL", Refused, true},
	{"isv.TEMPLATE_MISSING_PARAMETERS", Refused, true},
	{"isv.TEMPLATE_PARAMS_ILLEGAL", Refused, true},
	{"isv.INVALID_JSON_PARAM", Refused, true},
	{"isv.BUSINESS_LIMIT_CONTROL", Refused, false},
	{"Throttling", Refused, false},
	{"isp.SYSTEM_ERROR", Unknown, false},
	{"InternalError", Unknown, false},
	{"ServiceUnavailable", Unknown, false},
}

// Send calls SendSms. OutId carries our id, by which Receipt finds the message again.
func (a *Alibaba) Send(ctx context.Context, r Request) (string, error) {
	t, ok := Lookup(r.Template)
	if !ok || a.ids[r.Template] == "" {
		return "", &SendError{Outcome: Refused, Permanent: true, Code: "no such template"}
	}
	values, err := t.Values(r.Params)
	if err != nil {
		return "", &SendError{Outcome: Refused, Permanent: true, Code: "incomplete", Err: err}
	}
	params := make(map[string]string, len(values))
	for i, v := range values {
		params[t.Params[i]] = v
	}
	text, err := json.Marshal(params)
	if err != nil {
		return "", &SendError{Outcome: Refused, Permanent: true, Code: "incomplete", Err: err}
	}
	var answer struct{ Code, BizId string }
	status, err := a.call(ctx, "SendSms", url.Values{
		"PhoneNumbers": {r.Phone}, "SignName": {a.signName}, "TemplateCode": {a.ids[r.Template]},
		"TemplateParam": {string(text)}, "OutId": {r.DedupeID},
	}, &answer)
	if err != nil {
		return "", err
	}
	if answer.Code != "OK" {
		return "", refusal(answer.Code, status, alibabaCodes)
	}
	return answer.BizId, nil
}

// askDays bounds the days of which the gateway is asked: the dispatcher gives up after one.
const askDays = 3

// Receipt calls QuerySendDetails, which answers for one day, for the days since the send and
// looks for our id.
func (a *Alibaba) Receipt(ctx context.Context, r Request, since time.Time) (string, bool, error) {
	today := a.clock.Now().In(clock.Shanghai).Format("20060102")
	for i := range askDays {
		day := since.In(clock.Shanghai).AddDate(0, 0, i).Format("20060102")
		if day > today {
			break
		}
		var answer struct {
			Code              string
			SmsSendDetailDTOs struct {
				SmsSendDetailDTO []struct{ OutId string }
			}
		}
		// 50 a page is the most; nobody gets more from us in a day.
		status, err := a.call(ctx, "QuerySendDetails", url.Values{
			"PhoneNumber": {r.Phone}, "SendDate": {day}, "PageSize": {"50"}, "CurrentPage": {"1"},
		}, &answer)
		if err != nil {
			return "", false, err
		}
		if answer.Code != "OK" {
			return "", false, refusal(answer.Code, status, alibabaCodes)
		}
		for _, m := range answer.SmsSendDetailDTOs.SmsSendDetailDTO {
			if m.OutId == r.DedupeID {
				return "out-id", true, nil
			}
		}
	}
	return "", false, nil
}

// Lag is five minutes: details appear within a minute or two.
func (*Alibaba) Lag() time.Duration { return 5 * time.Minute }

// call makes one signed request. The interface defines its parameters as query parameters; they
// travel inside TLS, and errors of the client, which quote the URL, are never logged.
func (a *Alibaba) call(ctx context.Context, action string, params url.Values, out any) (int, error) {
	nonce, err := uuid.NewV4()
	if err != nil {
		return 0, &SendError{Outcome: Refused, Code: "nonce", Err: err}
	}
	u := *a.endpoint
	u.RawQuery = acsQuery(params)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), http.NoBody)
	if err != nil {
		return 0, &SendError{Outcome: Refused, Code: "request", Err: err}
	}
	acsSign(r, nil, action, alibabaVersion, nonce.String(), a.keyID, a.keySecret, a.clock.Now())
	return a.http.do(r, out)
}

// acsQuery is the canonical query: sorted, RFC 3986.
func acsQuery(params url.Values) string {
	return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(params.Encode())
}

// acsSign puts an ACS3-HMAC-SHA256 signature (Alibaba's "V3") on a request whose query is canonical.
func acsSign(r *http.Request, body []byte, action, version, nonce, keyID, keySecret string, at time.Time) {
	r.Header.Set("x-acs-action", action)
	r.Header.Set("x-acs-version", version)
	r.Header.Set("x-acs-date", at.UTC().Format("2006-01-02T15:04:05Z"))
	r.Header.Set("x-acs-signature-nonce", nonce)
	r.Header.Set("x-acs-content-sha256", hashHex(body))
	names := []string{"host"}
	for header := range r.Header {
		if name := strings.ToLower(header); strings.HasPrefix(name, "x-acs-") || name == "content-type" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var headers strings.Builder
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.URL.Host
		}
		headers.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	signed := strings.Join(names, ";")
	canonical := strings.Join([]string{
		r.Method, r.URL.EscapedPath(), r.URL.RawQuery, headers.String(), signed, hashHex(body),
	}, "\n")
	signature := mac([]byte(keySecret), "ACS3-HMAC-SHA256\n"+hashHex([]byte(canonical)))
	r.Header.Set("Authorization", fmt.Sprintf("ACS3-HMAC-SHA256 Credential=%s,SignedHeaders=%s,Signature=%s",
		keyID, signed, hex.EncodeToString(signature)))
}
