package notify

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"volcard/internal/clock"
)

// Tencent sends through Tencent Cloud SMS (2021-01-11).
type Tencent struct {
	endpoint  *url.URL
	keyID     string
	keySecret string
	signName  string
	appID     string
	region    string
	ids       map[string]string
	http      httpClient
	clock     clock.Clock
}

const (
	tencentEndpoint = "https://sms.tencentcloudapi.com"
	tencentVersion  = "2021-01-11"
	tencentRegion   = "ap-guangzhou"
)

// NewTencent makes the client; ids are the gateway's template ids by our names.
func NewTencent(c Config, ids map[string]string, h httpClient, now clock.Clock) (*Tencent, error) {
	endpoint, err := parseEndpoint(c.Endpoint, tencentEndpoint)
	if err != nil {
		return nil, err
	}
	t := &Tencent{
		endpoint: endpoint, keyID: c.KeyID, keySecret: c.KeySecret, signName: c.SignName, appID: c.TencentAppID,
		region: c.Region, ids: ids, http: h, clock: now,
	}
	if t.region == "" {
		t.region = tencentRegion
	}
	return t, nil
}

// tencentCodes are the codes that are no plain refusal for now.
var tencentCodes = []codeRule{
	{"FailedOperation.PhoneNumberInBlacklist", Refused, true},
	{"FailedOperation.ContainSensitiveWord", Refused, true},
	{"FailedOperation.PhoneNumberOnBlacklist", Refused, true},
	{"InvalidParameterValue.IncorrectPhoneNumber", Refused, true},
	{"InvalidParameterValue.TemplateParameter", Refused, true},
	{"InvalidParameterValue.ContentLengthLimit", Refused, true},
	{"UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber", Refused, true},
	{"LimitExceeded", Refused, false},
	{"RequestLimitExceeded", Refused, false},
	{"InternalError", Unknown, false},
	{"FailedOperation.FailResolvePacket", Unknown, false},
}

type tencentError struct{ Code string }

// Send calls SendSms. SessionContext carries our id.
func (t *Tencent) Send(ctx context.Context, r Request) (string, error) {
	tpl, ok := Lookup(r.Template)
	if !ok || t.ids[r.Template] == "" {
		return "", &SendError{Outcome: Refused, Permanent: true, Code: "no such template"}
	}
	values, err := tpl.Values(r.Params)
	if err != nil {
		return "", &SendError{Outcome: Refused, Permanent: true, Code: "incomplete", Err: err}
	}
	var answer struct {
		Response struct {
			Error         *tencentError
			SendStatusSet []struct{ SerialNo, Code string }
		}
	}
	status, err := t.call(ctx, "SendSms", map[string]any{
		"PhoneNumberSet": []string{"+86" + r.Phone}, "SmsSdkAppId": t.appID, "SignName": t.signName,
		"TemplateId": t.ids[r.Template], "TemplateParamSet": values, "SessionContext": r.DedupeID,
	}, &answer)
	if err != nil {
		return "", err
	}
	if e := answer.Response.Error; e != nil {
		return "", refusal(e.Code, status, tencentCodes)
	}
	if len(answer.Response.SendStatusSet) != 1 {
		return "", &SendError{Outcome: Unknown, Code: "status without a known code"}
	}
	if s := answer.Response.SendStatusSet[0]; s.Code != "Ok" {
		return "", refusal(s.Code, status, tencentCodes)
	}
	return answer.Response.SendStatusSet[0].SerialNo, nil
}

// Receipt calls PullSmsSendStatusByPhoneNumber and looks for our id. Tencent repeats the id only
// for customers that had this switched on; entries without any leave the question open.
func (t *Tencent) Receipt(ctx context.Context, r Request, since time.Time) (string, bool, error) {
	var answer struct {
		Response struct {
			Error                *tencentError
			PullSmsSendStatusSet []struct{ SerialNo, SessionContext string }
		}
	}
	status, err := t.call(ctx, "PullSmsSendStatusByPhoneNumber", map[string]any{
		"BeginTime": since.Unix(), "EndTime": t.clock.Now().Unix(), "Offset": 0, "Limit": 100,
		"PhoneNumber": "+86" + r.Phone, "SmsSdkAppId": t.appID,
	}, &answer)
	if err != nil {
		return "", false, err
	}
	if e := answer.Response.Error; e != nil {
		return "", false, refusal(e.Code, status, tencentCodes)
	}
	open := false
	for _, s := range answer.Response.PullSmsSendStatusSet {
		if s.SessionContext == r.DedupeID {
			return s.SerialNo, true, nil
		}
		open = open || s.SessionContext == ""
	}
	if open {
		return "", false, &SendError{Outcome: Unknown, Code: "entries without an id"}
	}
	return "", false, nil
}

// Lag is fifteen minutes: only delivery reports are listed, and they come from the networks. A
// phone that is off for longer can make a notice be sent twice.
func (*Tencent) Lag() time.Duration { return 15 * time.Minute }

func (t *Tencent) call(ctx context.Context, action string, params map[string]any, out any) (int, error) {
	body, err := json.Marshal(params)
	if err != nil {
		return 0, &SendError{Outcome: Refused, Permanent: true, Code: "incomplete", Err: err}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.endpoint.String(), bytes.NewReader(body))
	if err != nil {
		return 0, &SendError{Outcome: Refused, Code: "request", Err: err}
	}
	at := t.clock.Now()
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("X-TC-Action", action)
	r.Header.Set("X-TC-Version", tencentVersion)
	r.Header.Set("X-TC-Region", t.region)
	r.Header.Set("X-TC-Timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("Authorization", tc3Sign(r, body, "sms", t.keyID, t.keySecret, at))
	return t.http.do(r, out)
}

// tc3Sign is TC3-HMAC-SHA256 over body, content type and host, the headers that the interface
// insists on; TLS guards the rest.
func tc3Sign(r *http.Request, body []byte, service, keyID, keySecret string, at time.Time) string {
	const names = "content-type;host"
	canonical := strings.Join([]string{
		r.Method, r.URL.EscapedPath(), r.URL.RawQuery,
		"content-type:" + r.Header.Get("Content-Type") + "\nhost:" + r.URL.Host + "\n", names, hashHex(body),
	}, "\n")
	date := at.UTC().Format("2006-01-02")
	scope := date + "/" + service + "/tc3_request"
	text := strings.Join([]string{
		"TC3-HMAC-SHA256", strconv.FormatInt(at.Unix(), 10), scope, hashHex([]byte(canonical)),
	}, "\n")
	key := mac(mac(mac([]byte("TC3"+keySecret), date), service), "tc3_request")
	return fmt.Sprintf("TC3-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		keyID, scope, names, hex.EncodeToString(mac(key, text)))
}
