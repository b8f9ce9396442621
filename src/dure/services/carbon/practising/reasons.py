"""Why a practice was decided as it was: every code, what it says, what to do. The one list, as in docs/en/errors.md."""

from __future__ import annotations

from typing import Literal, NamedTuple

from dure.core.text import Text

Outcome = Literal["awarded", "doubtful", "refused", "expired", "withdrawn"]


class Reason(NamedTuple):
    """What a code says, and what to do now; `todo` is empty where nothing has to be done."""

    outcome: Outcome
    says: Text
    todo: Text = Text("")


AGAIN = Text("아직 시간이 있으면 다시 증명해 주세요.", "Prove it again while there is time.")
LATER = Text("다음 기간이 시작되면 다시 할 수 있습니다.", "You can do it again when the next period begins.")
WAIT = Text(
    "담당자가 확인합니다. 보상은 그동안 예약되어 있습니다.", "A person will look at it; your reward is reserved meanwhile."
)
ASK = Text("잘못되었다고 생각하면 시에 문의해 주세요.", "If you think this is wrong, ask the city.")

REASONS: dict[str, Reason] = {
    "practice.proved": Reason("awarded", Text("증명되었습니다.", "It is proved.")),
    "practice.clipped": Reason(
        "awarded",
        Text("증명되었습니다. 한도까지만 지급됩니다.", "It is proved; paid as far as your limit goes."),
        LATER,
    ),
    "practice.confirmed": Reason("awarded", Text("담당자가 확인했습니다.", "A person has confirmed it.")),
    # Doubtful ones wait until a person looks at them.
    "practice.review": Reason(
        "doubtful", Text("이 실천은 담당자가 모두 확인합니다.", "A person looks at every proof of this."), WAIT
    ),
    "practice.sampled": Reason(
        "doubtful", Text("무작위로 뽑혀 담당자가 확인합니다.", "It was drawn by lot for a person to look at."), WAIT
    ),
    "practice.photo_undated": Reason(
        "doubtful", Text("사진에 찍은 시각이 없습니다.", "The photo does not say when it was taken."), WAIT
    ),
    "practice.photo_near": Reason(
        "doubtful", Text("이미 받은 사진과 매우 비슷합니다.", "The photo looks much like one that came before."), WAIT
    ),
    "practice.unlikely_rate": Reason(
        "doubtful", Text("짧은 시간에 드물게 많은 양입니다.", "It is unusually much for such a short time."), WAIT
    ),
    "practice.unlikely_speed": Reason("doubtful", Text("속도가 보통보다 빠릅니다.", "It is faster than usual."), WAIT),
    "practice.far_apart": Reason(
        "doubtful",
        Text("바로 앞의 장소에서 이 시간 안에 오기 어렵습니다.", "It is hard to come here from the place before in this time."),
        WAIT,
    ),
    # These speak of the proof.
    "practice.amount": Reason("refused", Text("양은 0보다 커야 합니다.", "The amount must be more than 0."), AGAIN),
    "practice.absurd": Reason("refused", Text("한 번에 있을 수 없이 큰 양입니다.", "It is more than one time can be."), ASK),
    "practice.impossible_rate": Reason(
        "refused", Text("이 시간에 있을 수 없이 많은 양입니다.", "It is more than is possible in this time."), ASK
    ),
    "practice.impossible_speed": Reason("refused", Text("있을 수 없는 속도입니다.", "Nobody is so fast."), ASK),
    "practice.future": Reason(
        "refused",
        Text("증명의 시각이 아직 오지 않았습니다.", "The proof is from the future."),
        Text("기기의 시계를 확인하고 다시 해 주세요.", "Check the clock of the device and try again."),
    ),
    "practice.too_old": Reason(
        "refused",
        Text("너무 오래된 일입니다.", "It was too long ago."),
        Text("다음에는 한 뒤에 바로 증명해 주세요.", "Prove it soon after you did it next time."),
    ),
    "practice.reversed": Reason("refused", Text("끝이 시작보다 빠릅니다.", "It ends before it begins."), AGAIN),
    "practice.replayed": Reason(
        "refused",
        Text("이미 쓴 증명입니다.", "This proof was used already."),
        Text("새로 한 일의 새 증명을 보내 주세요.", "Send a new proof of something new."),
    ),
    "practice.proof_kind": Reason(
        "refused", Text("이 실천은 이렇게 증명할 수 없습니다.", "This practice is not proved like this."), AGAIN
    ),
    "practice.photo_copied": Reason(
        "refused",
        Text(
            "이미 받은 사진입니다. 다른 사람의 사진이어도 마찬가지입니다.", "This photo came before, from you or somebody else."
        ),
        Text("직접 새 사진을 찍어 주세요.", "Take a new photo yourself."),
    ),
    "practice.photo_time": Reason(
        "refused",
        Text("시작하기 전이나 나중에 찍은 사진입니다.", "The photo was not taken between the start and now."),
        Text("시작한 뒤에 찍은 사진을 올려 주세요.", "Send a photo that was taken after you began."),
    ),
    "practice.photo_unreadable": Reason(
        "refused",
        Text("사진을 읽을 수 없습니다.", "The photo cannot be read."),
        Text("JPEG, PNG, WebP 사진을 다시 올려 주세요.", "Send it again as JPEG, PNG or WebP."),
    ),
    "practice.photo_blank": Reason(
        "refused", Text("아무것도 보이지 않는 사진입니다.", "There is nothing to see in the photo."), AGAIN
    ),
    "practice.code_wrong": Reason(
        "refused",
        Text("이 코드는 이곳의 것이 아닙니다.", "This code is not of that place."),
        Text("현장의 QR 코드를 다시 찍어 주세요.", "Scan the code at the place again."),
    ),
    "practice.code_old": Reason(
        "refused",
        Text("코드가 바뀌었습니다.", "The code has changed since."),
        Text("지금 보이는 QR 코드를 찍어 주세요.", "Scan the code that is shown now."),
    ),
    "practice.bag_unknown": Reason(
        "refused",
        Text("내 봉투로 등록되지 않았습니다.", "This bag is not registered as yours."),
        Text("봉투의 QR 코드를 먼저 등록해 주세요.", "Register the code of the bag first."),
    ),
    "practice.not_weighed": Reason(
        "refused",
        Text("봉투를 아직 저울에 달지 않았습니다.", "The bag was not weighed yet."),
        Text("재활용 거점에서 달면 저절로 인정됩니다.", "Have it weighed at a recycling shop; it then counts by itself."),
    ),
    # These speak of limits and money.
    "practice.cap_day": Reason("refused", Text("오늘의 한도를 채웠습니다.", "You have reached the limit of a day."), LATER),
    "practice.cap_week": Reason("refused", Text("이번 주의 횟수를 채웠습니다.", "You have reached the times of a week."), LATER),
    "practice.cap_month": Reason(
        "refused", Text("이번 달의 한도를 채웠습니다.", "You have reached the limit of a month."), LATER
    ),
    "practice.cap_year": Reason("refused", Text("올해의 한도를 채웠습니다.", "You have reached the limit of a year."), LATER),
    "practice.too_little": Reason("refused", Text("1원이 되지 않는 양입니다.", "It is too little for one won."), AGAIN),
    "practice.claimed_before": Reason(
        "refused",
        Text("같은 시간의 같은 일은 이미 인정되었습니다.", "The same deed at the same time was counted already."),
        LATER,
    ),
    "practice.elsewhere": Reason(
        "refused",
        Text("다른 사업에서 이미 보상받는 일입니다.", "Another scheme pays for this already."),
        ASK,
    ),
    "practice.budget_gone": Reason(
        "refused",
        Text("사업 예산이 다 쓰였습니다.", "The budget of the programme is spent."),
        Text(
            "예산이 채워지면 같은 증명을 기한 안에 다시 보낼 수 있습니다.",
            "When there is money again you may send the same proof, while it is not too old.",
        ),
    ),
    "practice.not_booked": Reason("refused", Text("장부에 적을 수 없었습니다.", "It could not be booked."), ASK),
    "practice.rejected": Reason("refused", Text("담당자가 인정하지 않았습니다.", "A person has looked at it and said no."), ASK),
    "practice.wrong_deed": Reason("refused", Text("다른 것을 보여 주는 증명입니다.", "The proof shows something else."), AGAIN),
    "practice.unclear": Reason("refused", Text("알아볼 수 없는 증명입니다.", "The proof cannot be made out."), AGAIN),
    "practice.not_own": Reason("refused", Text("본인의 것이 아닌 증명입니다.", "The proof is not your own."), ASK),
    "practice.expired": Reason(
        "expired",
        Text("기한 안에 증명되지 않았습니다.", "It was not proved in time."),
        Text("다시 시작해 주세요.", "Begin again."),
    ),
    "practice.undecided": Reason(
        "expired", Text("기한 안에 결정되지 않아 예약이 풀렸습니다.", "Nobody decided in time; the reservation has ended."), ASK
    ),
    "practice.left": Reason("withdrawn", Text("사업에서 나갔습니다.", "You have left the scheme.")),
    "practice.taken_back": Reason("withdrawn", Text("시작한 것을 그만두었습니다.", "You have given it up.")),
    "practice.undone": Reason("withdrawn", Text("인정이 취소되었습니다.", "It was taken back."), ASK),
}
# What a person who looks at a proof may say no by.
SAID_NO: tuple[str, ...] = (
    "practice.wrong_deed", "practice.unclear", "practice.not_own", "practice.photo_copied", "practice.impossible_rate",
    "practice.rejected",
)  # fmt: skip
