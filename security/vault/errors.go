package vault

import "github.com/liangding/platform"

// Refusals.
var (
	// ErrEnvelope refuses what is no envelope of this vault, or one that was
	// sealed for another place.
	ErrEnvelope = platform.Err(platform.ErrInvalid, "vault.envelope", "a sealed value that does not open here", "密封值无法在此处打开")

	// ErrShredded refuses to seal or open for a subject whose key is destroyed.
	ErrShredded = platform.Err(platform.ErrState, "vault.shredded", "the personal data of this subject were erased", "该主体的个人信息已被删除")

	// ErrKEK says that the keys of the epochs cannot be had: nothing is sealed and
	// nothing opened meanwhile.
	ErrKEK = platform.Err(platform.ErrUnavailable, "vault.kek", "the key store is not available", "密钥服务暂不可用")

	// ErrDestroyed says that the key of an epoch is no more.
	ErrDestroyed = platform.Err(platform.ErrUnavailable, "vault.epoch_destroyed", "the key of this period was destroyed", "该时段的密钥已销毁")

	errMode    = platform.Err(platform.ErrInvalid, "vault.file_mode", "the key file must be readable by its owner alone (mode 0600)", "密钥文件须仅所有者可读写（0600）")
	errFile    = platform.Err(platform.ErrUnavailable, "vault.file_damaged", "the key file is damaged", "密钥文件已损坏")
	errPlace   = platform.Err(platform.ErrInvalid, "vault.place", "a sealed value needs a subject, a record and a personal field", "密封值须指明主体、记录与个人信息字段")
	errCode    = platform.Err(platform.ErrInvalid, "vault.code", "a code of lower-case letters, digits and _ . -", "须为小写字母、数字及 _ . - 组成的代码")
	errPhone   = platform.Err(platform.ErrInvalid, "vault.phone", "not a telephone number with country code", "电话号码须含国家代码")
	errMissing = platform.Err(platform.ErrInvalid, "vault.request", "say whose and which record, for what purpose and why", "须说明记录、字段、用途与原因")
	errNoGuard = platform.Err(platform.ErrDenied, "vault.unguarded", "nothing is revealed where nobody guards it", "未配置访问控制，不可查看")
	errHidden  = platform.Err(platform.ErrDenied, "vault.hidden", "this field is not shown to you", "您不可查看此字段")
	errEnded   = platform.Err(platform.ErrState, "vault.erased", "the erasure has ended", "该删除已完成")
	errHouse   = platform.Err(platform.ErrInvalid, "vault.own_key", "the vault's own key belongs to no subject", "系统密钥不属于任何主体")
	errSecret  = platform.Err(platform.ErrInvalid, "vault.secret_json", "a secret has no form in JSON", "机密值不可写入JSON")
)
