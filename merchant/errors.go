package merchant

import "github.com/liangding/platform"

// Refusals that callers act on. Every refusal has a stable code.
var (
	ErrOpen      = platform.Err(platform.ErrState, "merchant.application_open", "an application with this licence is open", "该执照已有进行中的申请")
	ErrDuplicate = platform.Err(platform.ErrState, "merchant.duplicate", "a merchant with this licence is here already", "该执照的商家已入驻")
	ErrCoolOff   = platform.Err(platform.ErrState, "merchant.cool_off", "a rejected applicant has to wait", "申请被拒后须等待一段时间")
	ErrReference = platform.Err(platform.ErrState, "merchant.reference_known", "this reference was imported already", "该外部编号已导入")
	ErrLapsed    = platform.Err(platform.ErrState, "merchant.lapsed", "the time for this is over", "已超过时限")
	ErrDecided   = platform.Err(platform.ErrState, "review.already_decided", "somebody decided already", "已有审核结论")
	ErrNotActive = platform.Err(platform.ErrState, "merchant.not_active", "the merchant is not active", "商家未处于营业状态")
	ErrNotLive   = platform.Err(platform.ErrState, "merchant.listing_not_live", "the listing is not live", "该服务未上架")
)

var (
	errMissing    = platform.Err(platform.ErrInvalid, "merchant.missing", "is demanded", "为必填项")
	errLicence    = platform.Err(platform.ErrInvalid, "merchant.licence", "a licence number has 4 to 32 letters and digits", "执照号须为4至32位字母或数字")
	errSealer     = platform.Err(platform.ErrInvalid, "merchant.not_sealable", "personal data cannot be kept here", "此处无法保存个人信息")
	errImport     = platform.Err(platform.ErrDenied, "merchant.import_only", "only an import names the record that it comes from", "仅导入时可填写外部编号")
	errRounds     = platform.Err(platform.ErrState, "merchant.rounds", "asked three times already", "已补充询问三次")
	errReader     = platform.Err(platform.ErrDenied, "merchant.actor_not_allowed", "this kind of actor may not read that", "此类操作者无权查看")
	errCapability = platform.Err(platform.ErrState, "merchant.capability_closed", "merchants have no such capability", "商家不具备此权限")
	errSelf       = platform.Err(platform.ErrDenied, "review.self", "nobody decides on what they entered or own", "不得审核自己提交的内容")
	errTie        = platform.Err(platform.ErrDenied, "review.tie", "nobody decides on whom they introduced", "不得审核自己引荐的商家")
	errNotDue     = platform.Err(platform.ErrState, "merchant.not_due", "its time is not over", "尚未到期")

	errHash      = platform.Err(platform.ErrInvalid, "agreement.hash", "not the text that was offered", "签署文本与所示文本不一致")
	errAuthority = platform.Err(platform.ErrDenied, "agreement.authority", "no authority to sign for the merchant", "无权代表商家签署")
	errTemplate  = platform.Err(platform.ErrState, "agreement.template_missing", "no agreement is in effect", "尚无生效的协议文本")

	errTitle    = platform.Err(platform.ErrInvalid, "listing.title", "a title is demanded", "须填写标题")
	errText     = platform.Err(platform.ErrInvalid, "listing.text", "a description is demanded", "须填写描述")
	errPrice    = platform.Err(platform.ErrInvalid, "listing.price", "a price above zero is demanded", "须填写大于零的价格")
	errUnit     = platform.Err(platform.ErrInvalid, "listing.unit", "a unit is demanded", "须填写计价单位")
	errStandard = platform.Err(platform.ErrInvalid, "listing.standard", "scope, duration, result and warranty are demanded", "须填写服务标准：范围、时长、结果与保障")
	errArea     = platform.Err(platform.ErrInvalid, "listing.area", "a service area is demanded", "须填写服务区域")
	errProof    = platform.Err(platform.ErrInvalid, "listing.proof", "acceptance by proof needs a kind of proof", "以凭证验收须指定凭证种类")
	errContact  = platform.Err(platform.ErrInvalid, "listing.contact_data", "contains contact data", "含有联系方式")
	errBanned   = platform.Err(platform.ErrInvalid, "listing.banned_term", "contains a term that is not allowed", "含有违禁词")
	errDrafted  = platform.Err(platform.ErrState, "listing.draft_open", "a draft is open already", "已有未完成的草稿")
	errEdited   = platform.Err(platform.ErrConflict, "listing.edited", "edited by somebody else meanwhile", "草稿已被他人修改")
)

// Refusals of moves that the state does not allow.
var (
	errNotSubmittable = platform.Err(platform.ErrState, "merchant.not_submittable", "the application cannot be handed in now", "当前状态下不可提交申请")
	errNotAskable     = platform.Err(platform.ErrState, "merchant.not_askable", "the applicant cannot be asked now", "当前状态下不可要求补充")
	errNotAnswerable  = platform.Err(platform.ErrState, "merchant.not_answerable", "nothing is asked", "当前没有待补充事项")
	errNotApprovable  = platform.Err(platform.ErrState, "merchant.not_approvable", "the application cannot be approved now", "当前状态下不可批准申请")
	errNotRejectable  = platform.Err(platform.ErrState, "merchant.not_rejectable", "the application cannot be rejected now", "当前状态下不可拒绝申请")
	errNotAppliable   = platform.Err(platform.ErrState, "merchant.not_appliable", "the application was made already", "申请已存在")
	errNotLapsable    = platform.Err(platform.ErrState, "merchant.not_lapsable", "nothing to lapse", "当前状态下不会失效")
	errNotJoinable    = platform.Err(platform.ErrState, "merchant.not_signable", "the merchant has signed already", "商家已签约")
	errNotActivatable = platform.Err(platform.ErrState, "merchant.not_activatable", "the merchant cannot be activated now", "当前状态下不可激活商家")
	errNotSuspendable = platform.Err(platform.ErrState, "merchant.not_suspendable", "the merchant cannot be suspended now", "当前状态下不可暂停商家")
	errNotRestorable  = platform.Err(platform.ErrState, "merchant.not_restorable", "the merchant is not suspended", "商家未被暂停")

	errNotOfferable = platform.Err(platform.ErrState, "agreement.not_offerable", "the agreement was offered already", "协议已发出")
	errNotSignable  = platform.Err(platform.ErrState, "agreement.not_signable", "the agreement cannot be signed now", "当前状态下不可签署协议")
	errNotEndable   = platform.Err(platform.ErrState, "agreement.not_endable", "the agreement has ended already", "协议已结束")

	errNotDraftable     = platform.Err(platform.ErrState, "listing.not_draftable", "the draft exists already", "草稿已存在")
	errNotEditable      = platform.Err(platform.ErrState, "listing.not_editable", "what was handed in cannot be edited", "已提交的内容不可修改")
	errNotHandable      = platform.Err(platform.ErrState, "listing.not_submittable", "the revision cannot be handed in now", "当前状态下不可提交审核")
	errNotPassable      = platform.Err(platform.ErrState, "listing.not_approvable", "the revision cannot be approved now", "当前状态下不可批准")
	errNotRefusable     = platform.Err(platform.ErrState, "listing.not_rejectable", "the revision cannot be rejected now", "当前状态下不可拒绝")
	errNotLiveable      = platform.Err(platform.ErrState, "listing.not_liveable", "there is no approved revision, or the listing is taken down", "没有可上架的已审核版本")
	errNotSupersedable  = platform.Err(platform.ErrState, "listing.not_supersedable", "the revision is not live", "该版本未上架")
	errNotPausable      = platform.Err(platform.ErrState, "listing.not_pausable", "the listing is not live", "该服务未上架，不可暂停")
	errNotResumable     = platform.Err(platform.ErrState, "listing.not_resumable", "the listing is not paused", "该服务未暂停")
	errNotTakedownable  = platform.Err(platform.ErrState, "listing.not_takedownable", "the listing is taken down already", "该服务已下架")
	errNotReinstateable = platform.Err(platform.ErrState, "listing.not_restorable", "the listing is not taken down", "该服务未被下架")
)
